from chainkit import model

print(model("anthropic:claude-haiku-4-5").invoke("Say hello in three languages."))
