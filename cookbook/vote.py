from chainkit import ensemble, vote

panel = ensemble("openai:gpt-5-mini", "anthropic:claude-haiku-4-5", "cohere:command-a-03-2025", combine=vote())
print(panel.invoke("Is 2027 a prime number? Answer yes or no, one word.").why())
