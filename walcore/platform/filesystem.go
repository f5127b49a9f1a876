package platform

// FileSystem says why nothing can be written to a file system. Full means full for an
// ordinary user: some file systems reserve room for root.
type FileSystem struct{ ReadOnly, Full bool }
