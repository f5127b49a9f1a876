// Package serve holds walfs serve to what it promises, from outside: the program runs as a
// child, and is asked over HTTP and with a real browser.
//
//	npm ci                             axe, which looks for what keeps people from using a page
//	go test ./...                      small: in a minute
//	WALFS_TEST_FULL=1 go test ./...    200 clients for a minute, and a whole log through rclone
//
// Tests with a browser need Chromium. WALFS_SCREENSHOTS=FOLDER keeps pictures of the pages.
//
// It is a module of its own: what drives a browser, and what reads OpenAPI, bring modules with
// them that walfs does not need.
package serve
