"""One camera image, from encoded bytes or from a camera. Grey always; colour only when somebody asks for it."""
