//go:build tools

// Package tools pins versitygw, the S3 server that the tests of the store run against.
package tools

import _ "github.com/versity/versitygw/cmd/versitygw"
