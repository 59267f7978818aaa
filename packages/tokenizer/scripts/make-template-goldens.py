"""Writes src/goldens/templates.json: chat templates in src/goldens/templates, rendered with transformers' own Jinja environment.

Usage: python packages/tokenizer/scripts/make-template-goldens.py      (needs `transformers` and `jinja2`)
"""

import json
from pathlib import Path

from transformers.utils.chat_template_utils import render_jinja_template

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather: <b>\"now\"</b> & later, in Zürich \u2028 too 😀",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 3, "minimum": 0.5}}, "required": []},
    },
}
HELLO = [{"role": "user", "content": "Hello"}]
NASTY = "  two  spaces \n\n\t<b>&amp;</b> {{ 1 }} {% if x %} é e\u0301 \u2028 漢字 😀 '\"\\ \u00a0 "
CALLS = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Weather in Bern and Zürich?"},
    {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": "get_weather", "arguments": {"city": "Zürich", "days": 1, "nested": {"a": [1, 2.5, None, True]}}}}]},
    {"role": "tool", "content": '{"t": 21}'},
    {"role": "tool", "content": "<sunny>"},
    {"role": "assistant", "content": "21 degrees."},
    {"role": "user", "content": NASTY},
]
THOUGHTS = [
    {"role": "user", "content": "One?"},
    {"role": "assistant", "content": "<think>\n  first thought  \n\n</think>\n\n  Answer one. "},
    {"role": "user", "content": "Two?"},
    {"role": "assistant", "content": "<think>\n  second \n</think>\n\n\n Answer two.\n"},
]
MEDIA = [
    {"role": "system", "content": [{"type": "text", "text": "Look and listen."}]},
    {"role": "user", "content": [{"type": "image", "image": "cat.png"}, {"type": "text", "text": "What "}, {"type": "audio", "audio": "a.wav"}, {"type": "text", "text": "is it?"}, {"type": "image"}]},
    {"role": "assistant", "content": "A cat."},
]
CASES = [
    ("chatml-tools", HELLO, {}),
    ("chatml-tools", HELLO, {"add_generation_prompt": False}),
    ("chatml-tools", HELLO, {"tools": [TOOL]}),
    ("chatml-tools", CALLS, {}),
    ("chatml-tools", CALLS, {"tools": [TOOL, TOOL]}),
    ("chatml-tools", [{"role": "user", "content": NASTY}], {}),
    ("chatml-thinking", THOUGHTS, {}),
    ("chatml-thinking", THOUGHTS[:3], {"enable_thinking": False}),
    ("chatml-thinking", THOUGHTS[:3] + [{"role": "assistant", "reasoning": "\n by another name \n", "content": "Yes."}], {"add_generation_prompt": False}),
    ("chatml-thinking", [{"role": "user", "content": NASTY}], {"enable_thinking": True}),
    ("media", MEDIA, {}),
    ("media", MEDIA, {"add_vision_id": True}),
    ("media", HELLO, {}),
    ("header", HELLO, {}),
    ("header", CALLS, {"settings": {"b": [1, "é"], "A": {}, "c": {"x": None}}}),
]


def main() -> None:
    folder = Path(__file__).parent.parent / "src" / "goldens"
    roles = {"bos_token": "<|endoftext|>", "eos_token": "<|im_end|>"}
    cases = []
    for name, messages, options in CASES:
        source = (folder / "templates" / f"{name}.jinja").read_text()
        arguments = {"add_generation_prompt": True, **options, **roles}
        rendered, _ = render_jinja_template([messages], chat_template=source, **arguments)
        cases.append({"template": name, "messages": messages, "options": options, "rendered": rendered[0]})
    (folder / "templates.json").write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
