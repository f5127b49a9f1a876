package platform

// FileSystem is the state of a file system, as far as it keeps a program from
// writing. Full is what an ordinary user finds full: some keep room for root.
type FileSystem struct{ ReadOnly, Full bool }
