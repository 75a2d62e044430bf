"""What only Bedrock takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypedDict

from chainkit.models.vendor import At


class BedrockOptions(TypedDict, total=False):
    """Options of Converse beside the common ones: `model(..., vendor=BedrockOptions(...))`."""

    bedrock_guardrail: Annotated[Mapping[str, str], At("guardrailConfig")]
    """`guardrailIdentifier`, `guardrailVersion`, `trace`."""
    bedrock_latency: Annotated[Literal["standard", "optimized"], At("performanceConfig.latency")]
    bedrock_model_fields: Annotated[Mapping[str, Any], At("additionalModelRequestFields")]
    """What the model itself takes, in its maker's own words; takes the place of what we put there."""
    bedrock_response_paths: Annotated[list[str], At("additionalModelResponseFieldPaths")]
    bedrock_metadata: Annotated[Mapping[str, str], At("requestMetadata")]
