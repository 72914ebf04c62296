"""The trusted certificates: the default certificates and the certificates of worker.caBundleConfigMapRef."""

import ssl
from pathlib import Path

import certifi

from videoimport.api.field_types import ConfigMapReference
from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure


def bundle(reference: ConfigMapReference | None, extra: Path, folder: Path) -> Path | None:
    """Write a file in ``folder`` with the default certificates and the certificates in ``extra``, and return its path.

    Returns None if ``reference`` is None. Raises ImportFailure INVALID_SPEC for a ConfigMap without certificates.
    """
    if reference is None:
        return None
    try:
        own = extra.read_text("ascii", "replace")
        ssl.create_default_context(cadata=own)
    except (OSError, ValueError, ssl.SSLError):
        message = f"The ConfigMap {reference.name!r} of worker.caBundleConfigMapRef has no certificates under ca.crt."
        advice = "Put the certificates under ca.crt in PEM format."
        raise ImportFailure(Reason.INVALID_SPEC, message, advice=advice) from None
    usual = [Path(certifi.where()), Path(ssl.get_default_verify_paths().cafile or "/none")]
    path = folder / "trusted.pem"
    path.write_text("\n".join([*(file.read_text() for file in usual if file.is_file()), own]))
    return path
