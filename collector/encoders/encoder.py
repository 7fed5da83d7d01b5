"""What a monitor file says of an encoder, and where its file is."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class EncoderError(ValueError):
    """An encoder cannot be used; the message names its file, says why, and what to do."""


class Encoder(BaseModel):
    """An ONNX model that makes a vector of a text or an image.

    Attributes:
        path: of the model; in a monitor file relative to it.
        input: what events carry. `text`: a string. `image`: base64 of a PNG, or nested numbers.
        sha256: of the file, where only that file will do. It is filled in when the monitor is loaded, so a
            reference is made anew when the encoder changes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    input: Literal["text", "image"]
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")

    @property
    def width(self) -> int:
        """How many numbers its vectors have.

        Raises:
            EncoderError: it cannot be used.
        """
        from collector.encoders.session import session_of  # noqa: PLC0415 - onnxruntime only where needed

        return session_of(self).width

    def try_out(self) -> None:
        """Load it, and encode an empty input.

        Raises:
            EncoderError: it cannot be used.
        """
        if not self.width:
            raise EncoderError(f"{self.path}: its vectors are empty; export the layer that is to be watched")

    def located(self, folder: Path) -> Encoder:
        """The encoder with its path made absolute or relative to here, and its digest.

        Args:
            folder: that a relative path begins in.

        Raises:
            EncoderError: the file cannot be read, or is another than it should be.
        """
        path = folder / self.path
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise EncoderError(f"{path}: cannot be read: {error.strerror}; put the encoder there") from None
        if self.sha256 not in (None, digest):
            raise EncoderError(f"{path}: its sha256 is {digest}; write that, or restore the file")
        return self.model_copy(update={"path": path, "sha256": digest})
