package payload

// Kinds are all that Facts.Is takes: the kinds that entries are counted as, and those
// that are only asked for.
func Kinds() []string {
	return []string{
		KindMutation, KindDelta, KindCommit, KindAbort, KindTxn, KindSchema, KindDrop, KindMembership, KindMember, KindState,
		KindTablet, KindLease, KindSnapshot, KindRestore, KindConfChange, KindEmpty, KindKV, KindClean, KindCDC, KindDeleteNs,
		KindExtSnapshot, KindOther, KindMessage, KindProgram, KindKVS, KindRegister, KindDeregister, KindSession,
		KindCoordinate, KindCommand, KindNoop, KindBarrier, KindConfiguration, KindTooLarge, KindText, KindBinary,
	}
}
