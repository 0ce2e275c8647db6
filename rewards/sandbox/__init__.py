"""Programs that nobody has read, run without network, in a private folder, within limits."""

from rewards.sandbox.limits import Limits
from rewards.sandbox.process import SandboxError
from rewards.sandbox.session import Ending, Session

__all__ = ["Ending", "Limits", "SandboxError", "Session"]
