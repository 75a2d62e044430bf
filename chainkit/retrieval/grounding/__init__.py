"""What holds an answer to its documents: sentences, figures, quotes, support, refusals. Pure."""
