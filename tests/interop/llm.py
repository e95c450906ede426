"""A model that says what it is told to, at a free port of the loopback.

It speaks OpenAI's chat completions, whole and streamed: to a conversation without
a tool's result it answers with a call of the tool, to any other with a text.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USAGE = {
    "prompt_tokens": 1234, "completion_tokens": 567, "total_tokens": 1801,
    "prompt_tokens_details": {"cached_tokens": 89},
    "completion_tokens_details": {"reasoning_tokens": 45},
}
# So small that no token comes in one piece.
DELTA_LEN = 7


class Model:
    def __init__(self, name, call, text):
        self.name, self.call, self.text = name, call, text
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self.server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request):
        """The answer, or the pieces of it."""
        head = {"id": "chatcmpl-Bq7x1ZkT0example", "created": 1767225600, "model": self.name,
                "system_fingerprint": "fp_44709d6fcb"}
        if request.get("stream"):
            return self._pieces({**head, "object": "chat.completion.chunk"})
        message, finish = {"role": "assistant", "content": self.text}, "stop"
        if not any(each["role"] == "tool" for each in request["messages"]):
            message, finish = {"role": "assistant", "content": None,
                               "tool_calls": [self.call]}, "tool_calls"
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return {**head, "object": "chat.completion", "choices": [choice], "usage": USAGE}

    def _pieces(self, head):
        cuts = range(0, len(self.text), DELTA_LEN)
        deltas = [{"content": self.text[at:at + DELTA_LEN]} for at in cuts]
        deltas[0]["role"] = "assistant"
        for delta in deltas:
            yield {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        yield {**head, "choices": [], "usage": USAGE}


def _handler_for(model):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers.get("content-length", 0))
            answer = model.answer(json.loads(self.rfile.read(length)))
            self.send_response(200)
            if isinstance(answer, dict):
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())
                return
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            for piece in answer:
                self.wfile.write(f"data: {json.dumps(piece)}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")

        def log_message(self, *_):
            pass

    return Handler
