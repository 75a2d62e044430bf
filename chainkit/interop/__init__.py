"""What other libraries made, as chains; and chains as what other libraries take.

`chainkit.interop.langchain` (extra `langchain`) and `chainkit.interop.llamaindex` (extra `llamaindex`). `from_*` gives
ours, `to_*` gives theirs.
"""
