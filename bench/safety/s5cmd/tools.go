//go:build tools

// Package tools pins s5cmd, a peer of the throughput bench.
package tools

import _ "github.com/peak/s5cmd/v2"
