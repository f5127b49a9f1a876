package examples

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/moby/sys/mountinfo"
)

// Session is a shell in which the commands of a page run one after the other, as somebody
// types them. Absolute paths of examples are in a folder of its own, in which
// /var/lib/dgraph/w is a log that an Alpha wrote, /var/lib/etcd an etcd's directory, and
// /opt/consul/raft that of a node like a Consul's: see logs. The shell begins in an empty folder.
type Session struct {
	root  string
	shell *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	fifos int
}

// logs are the logs of the examples: the fixture in test/testdata by the folder that it gets.
var logs = map[string]string{
	"var/lib/dgraph/w": "alpha",
	"var/lib/etcd":     "etcd-small",
	"opt/consul/raft":  "hashicorp-wal-n2",
}

// hangLimit ends what hangs. It is long, since the machine may be busy.
const hangLimit = 4 * time.Minute

// Start begins a session. repository is the folder of the fixture; bin holds walfs.
func Start(repository, bin string) (*Session, error) {
	root, err := os.MkdirTemp("", "walfs-docs-")
	if err != nil {
		return nil, err
	}
	s := &Session{root: root}
	if err := s.start(repository, bin); err != nil {
		os.RemoveAll(root)
		return nil, err
	}
	return s, nil
}

func (s *Session) start(repository, bin string) error {
	for _, dir := range []string{"var/lib/dgraph", "opt/consul", "bin", "tmp", "mnt", "backup", "home"} {
		if err := os.MkdirAll(filepath.Join(s.root, dir), 0o755); err != nil {
			return err
		}
	}
	for folder, fixture := range logs {
		at := filepath.Join(s.root, folder)
		in := filepath.Dir(at)
		if out, err := exec.Command("tar", "-xzSf", filepath.Join(repository, "test/testdata", fixture+".tar.gz"), "-C", in).CombinedOutput(); err != nil {
			return fmt.Errorf("tar: %w: %s", err, out)
		}
		if err := os.Rename(filepath.Join(in, fixture), at); err != nil {
			return err
		}
	}
	// The other machine is this one.
	if err := os.WriteFile(filepath.Join(s.root, "bin/ssh"), []byte("#!/bin/sh\nshift\nexec sh -c \"$*\"\n"), 0o755); err != nil {
		return err
	}
	path := filepath.Join(s.root, "bin") + ":" + bin + ":" + os.Getenv("PATH")
	s.shell = exec.Command("bash", "--noprofile", "--norc")
	s.shell.Dir = s.Home()
	s.shell.Env = append(os.Environ(), "PATH="+path, "HOME="+s.Home(), "TZ=UTC", "LC_ALL=C.UTF-8", "COLUMNS=90", "TABSIZE=0",
		"RESTIC_CACHE_DIR="+filepath.Join(s.root, "cache"))
	var err error
	if s.in, err = s.shell.StdinPipe(); err != nil {
		return err
	}
	out, err := s.shell.StdoutPipe()
	if err != nil {
		return err
	}
	s.out = bufio.NewReader(out)
	s.shell.Stderr = os.Stderr
	return s.shell.Start()
}

// Home is the folder in which the shell begins.
func (s *Session) Home() string { return filepath.Join(s.root, "home") }

var absolute = regexp.MustCompile(`(^|[\s'"=:(>])/(var/lib/dgraph|var/lib/etcd|opt/consul|backup|tmp|mnt)\b`)

// end is printed behind what a command prints, with its exit code.
const end = "\x01end of the example "

// Run runs a command, and gives what it prints, stderr too, and its exit code. A mount in
// the foreground goes on beside later commands: the result is its first line.
func (s *Session) Run(command string) (output string, code int, err error) {
	command = absolute.ReplaceAllString(command, "${1}"+s.root+"/$2")
	if strings.HasPrefix(command, "walfs mount ") && !strings.Contains(command, "--background") {
		s.fifos++
		// The shell keeps the pipe open, so that the mount can write to it later.
		command = fmt.Sprintf(`mkfifo %[1]s && exec {pipe}<>%[1]s && { %[2]s >%[1]s 2>&1 & } && read -r first <&$pipe; printf '%%s\n' "$first"`,
			filepath.Join(s.root, fmt.Sprint("pipe", s.fifos)), strings.TrimSuffix(command, " &"))
	}
	watchdog := time.AfterFunc(hangLimit, func() { s.shell.Process.Kill() })
	defer watchdog.Stop()
	quoted := "'" + strings.ReplaceAll(command, "'", `'\''`) + "'"
	if _, err := fmt.Fprintf(s.in, "eval %s </dev/null 2>&1\nprintf '%s%%d\\n' $?\n", quoted, end); err != nil {
		return "", 0, err
	}
	var text strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		text.WriteString(line)
		if err != nil {
			return text.String(), 0, fmt.Errorf("the shell has ended: %w", err)
		}
		if _, tail, ended := strings.Cut(line, end); ended {
			_, err := fmt.Sscan(tail, &code)
			before, _, _ := strings.Cut(text.String(), end)
			return strings.ReplaceAll(before, s.root, ""), code, err
		}
	}
}

// Close ends the session, unmounts what it has mounted, and removes its folder.
func (s *Session) Close() error {
	_, _, err := s.Run("cd /") // a mount that the shell is in cannot be unmounted
	errs := []error{err}
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(s.root))
	errs = append(errs, err)
	for _, m := range mounts {
		if out, err := exec.Command("fusermount3", "-u", m.Mountpoint).CombinedOutput(); err != nil {
			errs = append(errs, fmt.Errorf("fusermount3 -u %s: %w: %s", m.Mountpoint, err, out))
		}
	}
	fmt.Fprintln(s.in, "wait")
	s.in.Close()
	watchdog := time.AfterFunc(hangLimit, func() {
		// What it waits for is a mount that has not ended.
		hung, _ := exec.Command("ps", "-o", "pid,stat,wchan,args", "--ppid", fmt.Sprint(s.shell.Process.Pid)).CombinedOutput()
		fmt.Fprintf(os.Stderr, "the session does not end:\n%s", hung)
		s.shell.Process.Kill()
	})
	defer watchdog.Stop()
	_, err = io.Copy(io.Discard, s.out) // until the mounts have ended, too
	errs = append(errs, err, s.shell.Wait())
	// What was copied from a mount is read-only, folders too.
	exec.Command("chmod", "-R", "u+w", s.root).Run()
	return errors.Join(append(errs, os.RemoveAll(s.root))...)
}
