package payload

// Kinds are all that Facts.Is takes: the kinds that entries are counted as, and those
// that are only asked for.
func Kinds() []string {
	return []string{
		KindMutation, KindDelta, KindCommit, KindAbort, KindTxn, KindSchema, KindDrop, KindMembership, KindMember, KindState,
		KindTablet, KindLease, KindSnapshot, KindRestore, KindConfChange, KindEmpty, KindKV, KindClean, KindCDC, KindDeleteNs,
		KindExtSnapshot, KindPut, KindRange, KindDeleteRange, KindCompaction, KindLeaseGrant, KindLeaseRevoke, KindLeaseCheckpoint,
		KindAlarm, KindAuth, KindMemberAttr, KindClusterVersion, KindDowngrade, KindRequest, KindKVS, KindRegister, KindDeregister,
		KindSession, KindCoordinate, KindCommand, KindChunk, KindNoop, KindBarrier, KindConfiguration, KindOther, KindMessage, KindProgram,
		KindTooLarge, KindText, KindBinary,
	}
}
