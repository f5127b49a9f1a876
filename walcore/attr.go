package walcore

import "github.com/walfs/walfs/walcore/platform"

// Attr is what the operating system says of a file.
type Attr = platform.Attr
