"""What a refused field is told, in Chinese and English. Knows no field and no schema."""

from __future__ import annotations

from typing import Any


class Message(str):
    """A sentence in English that carries its Chinese twin; formatting fills both."""

    zh: str

    def __new__(cls, en: str, zh: str) -> Message:
        """Make one from its two templates."""
        message = super().__new__(cls, en)
        message.zh = zh
        return message

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # str has one
        """How to copy one."""
        return str(self), self.zh

    def format(self, *args: Any, **kwargs: Any) -> Message:
        """Fill in both templates; what is itself a message goes into each in its language."""
        zh = {name: value.zh if isinstance(value, Message) else value for name, value in kwargs.items()}
        return Message(str(self).format(*args, **kwargs), self.zh.format(*args, **zh))

    def text(self, language: str) -> str:
        """The sentence in `language`: zh or en."""
        return self.zh if language == "zh" else str(self)


# marshmallow's own sentences, by their text.
_KNOWN = {
    "Missing data for required field.": Message("This field is required.", "此字段必填。"),
    "Field may not be null.": Message("May not be null; leave it out instead.", "不能为 null；没有就省略。"),
    "Invalid value.": Message("This value is not valid.", "该值无效。"),
    "Invalid type.": Message("Must be a JSON object.", "应为 JSON 对象。"),
    "Invalid input type.": Message("Must be a JSON object.", "应为 JSON 对象。"),
    "Unknown field.": Message("There is no such field; see /docs.", "没有这个字段，请参阅 /docs。"),
    "Not a valid list.": Message("Must be a list.", "应为列表。"),
    "Not a valid mapping type.": Message("Must be a JSON object.", "应为 JSON 对象。"),
    "Not a valid delimited list.": Message("Must be a list parted by commas.", "应为以逗号分隔的列表。"),
    "Not a valid string.": Message("Must be a text.", "应为文本。"),
    "Not a valid utf-8 string.": Message("Must be UTF-8 text.", "应为 UTF-8 文本。"),
    "Not a valid UUID.": Message("Must be an id (UUID).", "应为标识符（UUID）。"),
    "Not a valid number.": Message("Must be a number.", "应为数字。"),
    "Number too large.": Message("The number is too large.", "数字过大。"),
    "Not a valid integer.": Message("Must be a whole number.", "应为整数。"),
    "Special numeric values (nan or infinity) are not permitted.": Message(
        "Must be a finite number.", "应为有限的数字。"
    ),
    "Not a valid boolean.": Message("Must be true or false.", "应为 true 或 false。"),
    "Not a valid date.": Message("Must be a date like 2027-09-30.", "应为日期，如 2027-09-30。"),
    "Not a valid email address.": Message("Must be a mail address.", "应为邮箱地址。"),
}

ONE_OF = Message("Must be one of: {choices}.", "应为以下之一：{choices}。")
TOO_LONG = Message("At most {max} characters.", "最多 {max} 个字符。")
BLANK = Message("May not be blank.", "不能为空白。")
TOO_MANY = Message("At most {max} entries.", "最多 {max} 项。")
TWICE = Message("{value} stands there twice.", "{value} 重复出现。")
OUT_OF_RANGE = Message("Must be between {min} and {max}.", "应在 {min} 与 {max} 之间。")
CONTROL = Message("Contains characters that are not text.", "含有非文本字符。")
NO_CODE = Message(
    "{code} is no code of {vocabulary}; see /api/v1/vocabularies.",
    "{code} 不是 {vocabulary} 的代码，请参阅 /api/v1/vocabularies。",
)
BAD_ORCID = Message("Not an ORCID: its check character does not fit.", "不是有效的 ORCID：校验位不符。")
BAD_IPC = Message("Not an IPC symbol, like C08J 5/04.", "不是有效的 IPC 分类号，例如 C08J 5/04。")
HEADING_MISSING = Message("Give it in Chinese, in English or both.", "请用中文、英文或双语填写。")
RANGE_REVERSED = Message("Must not be below the range's start.", "不能小于区间的起点。")
VALUE_TO_NEEDED = Message("'between' needs value_to, not below value.", "between 需要 value_to，且不小于 value。")
VALUE_TO_UNUSED = Message("Only 'between' has a value_to.", "只有 between 才有 value_to。")
REGION_NEEDED = Message("Name the region this rule is about.", "请填写该规则所指的地区。")
KEY_TAKEN = Message("Another of your listings has this key.", "您的另一条记录已使用此编号。")
NOT_A_FACET = Message("{name} is no facet here: {known}.", "{name} 不是这里的分面：{known}。")
NO_SEARCH = Message("Must be a search: an object, or a query string.", "应为检索参数：对象或查询字符串。")
NOTHING_MEANT = Message("Needs words in q, whose meaning is compared.", "需要在 q 中填写检索词，方可比较语义。")
NOT_PROTECTABLE = Message(
    "Cannot be given a tier; these can: {known}.", "此字段不能设置披露层级；可设置的有：{known}。"
)
NO_MOMENT = Message(
    "Must be a moment with its time zone, like 2027-09-30T18:00:00+08:00.",
    "应为带时区的时间，如 2027-09-30T18:00:00+08:00。",
)
OUTSIDE_ACCESS = Message("Must lie ahead, at most a year.", "应为将来的时间，且不超过一年。")
PAST = Message("This day is over.", "该日期已过。")
OUTSIDE_EXTENSION = Message("Must lie after {after} and at most a year later.", "应在 {after} 之后，且不超过一年。")
NO_REVIEWER = Message("Nobody who may decide this review.", "此人无权审核该条目。")
SEEN_NEEDED = Message("Name the version that you have seen.", "请填写您所审阅的版本。")
NOT_ITSELF = Message("Must be another listing than this one.", "应为另一条发布。")
NOT_TO_BE_MERGED_INTO = Message(
    "Must be a listing of the same kind that goes on itself.", "应为同类且未关闭、未合并的另一条发布。"
)
NO_POSITION = Message("Must be the id of an event of this stream.", "应为本事件流中事件的编号。")


def translated(text: Any) -> Any:
    """marshmallow's sentence as a bilingual message; any other text as it is."""
    return _KNOWN.get(text, text) if isinstance(text, str) else text
