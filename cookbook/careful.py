from chainkit import model

for piece in model("openai:gpt-5-mini").retry(4).fallback("cohere:command-a-03-2025").timeout(20).stream("A limerick?"):
    print(piece, end="", flush=True)
