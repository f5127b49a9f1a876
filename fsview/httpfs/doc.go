/*
Package httpfs serves an fsview tree over HTTP: [New] as plain HTTP, for browsers, curl,
wget and rclone's http backend, and [NewDAV] as WebDAV, for davfs2, rclone, Finder and
Explorer. Nothing can be changed through either.

	tree := httpfs.New(live, httpfs.Options{})
	http.Handle("/dir/node1/", http.StripPrefix("/dir/node1", tree))

# Paths

A path is a path of the tree. Short names of entries and terms are found, as everywhere.
A folder without the slash at its end is redirected to the one with it. Symbolic links
(there is one: snapshots/latest) are listed as what they lead to and are followed, so that
snapshots/latest/data needs no second request. The page of the folder snapshots/latest/
itself is redirected: a program that copies all links finds each snapshot once.

# What a client may keep

Clients are told to ask before they use what they have (Cache-Control: no-cache). A file's
ETag is made of its inode, its size and its time.

  - It is a strong one where these tell the bytes: of committed entries, of jsonl/, and of
    README, status.json and meta/, whose inodes have a hash of the bytes in them.
  - It is a weak one where other bytes are not expected, but possible: of entries that are not
    known to be committed, of decoded/, where another program may say something else, of
    replaced/ and snapshots/. A download of those that was broken off begins anew.
  - Files in native/ have none: a node writes to them through a mapping, which need not change
    a file's times. What a client has of them is never confirmed.

Last-Modified tells the file's time, and is compared with nothing. It has seconds, and all
entries of a log file can have the same: an entry in the place of another one would not be
noticed. So If-Modified-Since is ignored, and If-Range with a time too.

# Bytes or an error

A body that cannot be given whole is not given: an error has its own status, or, if the
header was sent already, the connection is broken off. No client takes a part for the whole.

	403   the payload is encrypted, and there was no key
	404   there is no such file
	405   a method that is none here
	500   what is there is damaged, or cannot be read; the body says what and where
	503   the bytes have changed since the name was looked up, or too much is being
	      decoded already (see [Options]); Retry-After says when to ask again

# Memory

A folder is listed, and a file is read, by pieces. A piece is written before the next one is
made, and while it is written the handler has no tree, no text and no permission to decode:
a client that does not read costs its connection and less than 200 kB, compressed or not.
*/
package httpfs
