from chainkit import index

handbook = index("cookbook/data/wiki/**/*.md").answering("openai:gpt-5-mini")
answer = handbook.invoke("How many days of holiday do full-time employees have?")
print(answer.text, answer.citations)
