"""Addresses that contain a secret in every place where one can stand."""

SECRET = "s3cr3tw0rd"
LEAKING = [
    f"https://video.example/talk.mp4?token={SECRET}",
    f"https://video.example/talk.mp4?X-Amz-Signature={SECRET}&a=b/c",
    f"https://user:{SECRET}@video.example/talk.mp4",
    f"https://user:{SECRET}@video.example",
    f"https://user:{SECRET}/x@video.example/talk.mp4",
    f"https://archive.example/web/https://user:{SECRET}@video.example/talk.mp4",
    f"https://archive.example/web/https://user:{SECRET}@video.example",
    f"https://archive.example/https%3A%2F%2Fuser%3A{SECRET}%40video.example%2Ftalk.mp4",
    f"https://archive.example/https%253A%252F%252Fuser%253A{SECRET}%2540video.example",
    f"https://archive.example/talk.mp4%3Ftoken%3D{SECRET}",
    f"https://archive.example/talk.mp4%253Ftoken%253D{SECRET}%252Fx.mp4",
    f"https://video.example/talk.mp4;jsessionid={SECRET}",
    f"https://video.example/talk.mp4&sig={SECRET}",
    f"https://video.example/token={SECRET}",
    f"https://video.example/talk.mp4#{SECRET}",
    f"https://[::1/{SECRET}",
]
