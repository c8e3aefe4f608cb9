"""The command line: `khatm` (click; every command loaded on first use) and `fatoora` (the SDK's options)."""
