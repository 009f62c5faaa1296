"""Talks to a running kernel as Jupyter's own Python client does. Argument: the connection file. Exits with 0 where everything is right."""
import sys

from jupyter_client import BlockingKernelClient

TIMEOUT = 60
client = BlockingKernelClient(connection_file=sys.argv[1])
client.load_connection_file()
# A kernel without a heartbeat for a second is dead to the client; a loaded machine may hold it up for longer.
client.hb_channel.time_to_dead = TIMEOUT
client.start_channels()
client.wait_for_ready(timeout=TIMEOUT)


def run(code, **options):
    messages = []
    reply = client.execute_interactive(code, output_hook=messages.append, timeout=TIMEOUT, **options)
    return reply["content"], [message for message in messages if message["msg_type"] not in ("status", "execute_input")]


def reply_to(request):
    while True:
        message = client.get_shell_msg(timeout=TIMEOUT)
        if message["parent_header"].get("msg_id") == request:
            return message["content"]


def interrupt():
    client.session.send(client.control_channel.socket, client.session.msg("interrupt_request", {}))


def check(what, found, expected):
    assert found == expected, f"{what}: {found!r} instead of {expected!r}"
    print(f"ok: {what}")


content, outputs = run("var x = 20; Console.WriteLine(\"Größe 🎓\"); x + 1")
check("status", content["status"], "ok")
check("stream", outputs[0]["content"], {"name": "stdout", "text": "Größe 🎓\n"})
check("result", outputs[1]["content"]["data"]["text/plain"], "21")

content, outputs = run("throw new InvalidOperationException(\"no\");")
check("error", (content["ename"], content["evalue"]), ("InvalidOperationException", "no"))

content = client.execute_interactive(
    "Console.WriteLine(1); while (true) { }", output_hook=lambda message: message["msg_type"] == "stream" and interrupt(), timeout=TIMEOUT)["content"]
check("interrupt", content["ename"], "Interrupted")
content, outputs = run("x * 2")
check("variables kept", outputs[0]["content"]["data"]["text/plain"], "40")

content, outputs = run(
    "Console.WriteLine(\"Hello \" + Console.ReadLine());", allow_stdin=True, stdin_hook=lambda message: client.input("Ada"))
check("input", outputs[-1]["content"]["text"], "Hello Ada\n")

requests = [client.execute(code) for code in ("await Task.Delay(1000); throw new Exception(\"a\");", "1")]
check("queue", [reply_to(request)["status"] for request in requests], ["error", "aborted"])

received = []
client.execute_interactive(
    "for (var i = 0; i < 100_000; i++) Console.WriteLine(new string('x', 104));",
    output_hook=lambda message: received.append(len(message["content"].get("text", ""))), timeout=TIMEOUT)
check("10 MB of output", sum(received), 10_500_000)

check("completeness", reply_to(client.is_complete("for (;;) {"))["status"], "incomplete")
check("kernel info", reply_to(client.kernel_info())["language_info"]["name"], "C#")
check("completion", "WriteLine" in reply_to(client.complete("Console.Wri", 11))["matches"], True)
check("shutdown", client.shutdown(reply=True, timeout=TIMEOUT)["content"]["status"], "ok")
client.stop_channels()
