"""The cryptographic stamp: keys, CSRs, certificates, the invoice hash, the XAdES block, the QR code, verification.

`keys` and `custody` hold the unit's private key, `csr` asks for a certificate, `certificate` reads one, `canonical`
makes the bytes that are hashed, `signers` and `xades` stamp them, `qr` writes and reads the QR code, `verify` checks a
received document from its bytes alone, `request` builds the gateway's request body. Nothing here knows of network,
storage or web. Source: the stamp standard.
"""
