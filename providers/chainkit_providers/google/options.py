"""What only Google takes: `model("google:...", vendor={"google_server_tools": [{"googleSearch": {}}]})`.

Vertex AI takes the same under the same names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from typing_extensions import TypedDict

from chainkit.models.vendor import At

Resolution = Literal[
    "MEDIA_RESOLUTION_LOW", "MEDIA_RESOLUTION_MEDIUM", "MEDIA_RESOLUTION_HIGH", "MEDIA_RESOLUTION_ULTRA_HIGH"
]


class SafetySetting(TypedDict, total=False):
    """From which probability of harm on an answer of one category is held back."""

    category: str
    threshold: Literal["OFF", "BLOCK_NONE", "BLOCK_ONLY_HIGH", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_LOW_AND_ABOVE"]
    method: Literal["SEVERITY", "PROBABILITY"]


class GoogleOptions(TypedDict, total=False):
    """Options of `generateContent` that no other vendor has."""

    google_safety_settings: Annotated[Sequence[SafetySetting], At("safetySettings")]
    google_cached_content: Annotated[str, At("cachedContent")]
    """The name of a cache made beforehand: `cachedContents/...`."""
    google_media_resolution: Annotated[Resolution, At("generationConfig.mediaResolution")]
    google_server_tools: Annotated[Sequence[Mapping[str, Any]], At("tools[]")]
    """Tools that the vendor runs itself: `[{"googleSearch": {}}, {"codeExecution": {}}, {"urlContext": {}}]`."""
    google_server_tool_calls: Annotated[bool, At("toolConfig.includeServerSideToolInvocations")]
    """Show their calls and results as parts, which lets newer models use them beside those of `tools=`."""
    google_retrieval_config: Annotated[Mapping[str, Any], At("toolConfig.retrievalConfig")]
    google_stream_arguments: Annotated[bool, At("toolConfig.functionCallingConfig.streamFunctionCallArguments")]
    """Stream the arguments of tool calls piece by piece (Vertex AI only)."""
    google_include_thoughts: Annotated[bool, At("generationConfig.thinkingConfig.includeThoughts")]
    """Show summaries of the thinking; asked for wherever `reasoning=` or `reasoning_tokens=` is given."""
    google_response_modalities: Annotated[
        Sequence[Literal["TEXT", "IMAGE", "AUDIO"]], At("generationConfig.responseModalities")
    ]
    google_image_config: Annotated[Mapping[str, Any], At("generationConfig.imageConfig")]
    google_speech_config: Annotated[Mapping[str, Any], At("generationConfig.speechConfig")]
    google_labels: Annotated[Mapping[str, str], At("labels")]
    google_store: Annotated[bool, At("store")]
