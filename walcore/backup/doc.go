// Package backup copies the directory of a Raft log, while a node writes to it too.
//
//	log, err := detect.Open("/var/lib/dgraph/w", detect.Options{})
//	…
//	c, err := backup.ToFolder(ctx, log, "/backup/w", backup.Options{})
//	…
//	defer c.Log.Close()
//
// A copy is the directory as it was at one moment: its image (see [walcore.Imager]). A
// node starts on it, at the commit index of that moment. What the node has destroyed
// before it was copied cannot be had any more. Then the directory is looked at again, and
// of a later image only that is copied which is not there yet: the copy catches up with
// the node. It never waits for the node, takes no lock, and changes nothing in the
// directory.
//
// A copy is made in a hidden folder beside its place (see [platform.Place]), flushed, read
// back, opened and checked, and then renamed. So whatever has the name is a whole copy.
// Another copy to the same place fails with walcore.ErrInUse meanwhile.
//
// An archive on standard output cannot be changed once it is written. Where the directory
// changes too soon, such a copy fails, and the archive has no end.
package backup
