package payload

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/walfs/walfs/walcore/platform"
)

// child is a running program with a pipe each way.
type child struct {
	cmd    *exec.Cmd
	stdin  *os.File
	stdout *os.File
	lines  *bufio.Reader // of stdout
	stderr *tail
	line   []byte // the question; its memory is used for the next one, too
}

// startChild runs command with /bin/sh in a process group of its own, so that
// stop reaches what the shell starts.
func startChild(command string) (*child, error) {
	cmd, err := platform.Shell(context.Background(), command)
	if err != nil {
		return nil, err
	}
	childIn, stdin, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer childIn.Close()
	stdout, childOut, err := os.Pipe()
	if err != nil {
		stdin.Close()
		return nil, err
	}
	defer childOut.Close()
	c := &child{
		cmd:    cmd,
		stdin:  stdin,
		stdout: stdout,
		lines:  bufio.NewReader(stdout),
		stderr: new(tail),
	}
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = childIn, childOut, c.stderr
	c.cmd.WaitDelay = time.Second // a grandchild may hold stderr open
	if err := c.cmd.Start(); err != nil {
		stdin.Close()
		stdout.Close()
		return nil, err
	}
	return c, nil
}

// ahead reports whether there is output that answers no question.
func (c *child) ahead() bool { return c.lines.Buffered() > 0 }

// ask sends data and returns the line that answers it. After an error the child
// is of no use any more.
func (c *child) ask(data []byte, timeout time.Duration) (string, error) {
	deadline := time.Now().Add(timeout)
	if err := errors.Join(c.stdin.SetWriteDeadline(deadline), c.stdout.SetReadDeadline(deadline)); err != nil {
		return "", err
	}
	c.line = append(hex.AppendEncode(c.line[:0], data), '\n')
	// Write and read at the same time: a program may begin its answer before it has
	// read the whole line. If we did not read, it would wait for us while we wait
	// for it.
	wrote := make(chan error, 1)
	go func() {
		_, err := c.stdin.Write(c.line)
		wrote <- err
	}()
	answer, err := c.readLine(maxAnswer + 4*len(data))
	if err != nil {
		// The program may have stopped reading; closing its stdin ends our write.
		c.stdin.Close()
		<-wrote
		return "", err
	}
	if err := <-wrote; err != nil {
		return "", c.cause(err)
	}
	return answer, nil
}

func (c *child) readLine(limit int) (string, error) {
	var answer []byte
	for {
		part, err := c.lines.ReadSlice('\n')
		answer = append(answer, part...)
		switch {
		case len(answer) > limit:
			return "", ErrTooLong
		case err == nil:
			answer = answer[:len(answer)-1]
			if n := len(answer); n > 0 && answer[n-1] == '\r' {
				answer = answer[:n-1]
			}
			return string(answer), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", c.cause(err)
		}
	}
}

// cause says what a failure of the pipe means.
func (c *child) cause(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrTimeout
	case errors.Is(err, io.EOF), errors.Is(err, syscall.EPIPE):
		return ErrNoAnswer
	}
	return err
}

// stop kills the child and all of its group, waits for it, and returns the end
// of its stderr. A child that has ended by itself often says there why.
func (c *child) stop() string {
	c.stdin.Close()
	c.stdout.Close()
	// Kill before Wait: after it, another process could have the same id.
	_ = platform.KillGroup(c.cmd)
	_ = c.cmd.Wait() // its error says only that it was killed
	return c.stderr.String()
}
