"""The `logicienne` command: each command opens, calls one function below it, and says what came of it."""
