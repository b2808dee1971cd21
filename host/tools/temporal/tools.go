//go:build tools

// Package tools pins the Temporal CLI, whose development server Ratchet starts.
// Go refuses to "go install" it by version (its go.mod has a replace directive), so this module builds it.
package tools

import _ "github.com/temporalio/cli/cmd/temporal"
