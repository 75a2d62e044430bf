from pydantic import BaseModel
from chainkit import model, prompt


class Book(BaseModel):
    title: str
    author: str
    year: int


books = prompt("Name a {{ genre }} novel.", genre=str) | model("openai:gpt-5-mini", output=Book)
print(books.invoke({"genre": "gothic"}))
