from chainkit import model

print(model("openai:gpt-5-mini").invoke("Say hello in three languages."))
