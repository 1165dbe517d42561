"""What is told of a file that cannot be read, and of its cells, in Chinese and English."""

from __future__ import annotations

from schemas.messages import Message

# Of the file as a whole.
EMPTY = Message("The file is empty.", "文件为空。")
NO_ROWS = Message("The file has a header and no rows.", "文件只有表头，没有数据行。")
UNREADABLE = Message(
    "This file cannot be read ({why}). Save it anew as .xlsx, as CSV in UTF-8, or as one JSON object a line.",
    "无法读取该文件（{why}）。请另存为 .xlsx、UTF-8 编码的 CSV，或每行一个 JSON 对象的文件。",
)
OLD_EXCEL = Message(
    "This is a workbook of the old .xls kind; open it and save it as .xlsx.",
    "这是旧版 .xls 工作簿，请打开后另存为 .xlsx。",
)
OTHER_OFFICE = Message(
    "This is an office file, but no .xlsx workbook; open it and save it as .xlsx.",
    "这是其他格式的办公文件，不是 .xlsx 工作簿；请打开后另存为 .xlsx。",
)
ENCRYPTED = Message(
    "The file is protected by a password; save it without one.", "文件有密码保护，请去除密码后再上传。"
)
NOT_A_TABLE = Message(
    "This is a web page or XML, not a table, whatever its name says; open it and save it as .xlsx.",
    "无论文件名如何，其内容是网页或 XML 而非表格；请打开后另存为 .xlsx。",
)
BINARY = Message("This is no text and no .xlsx workbook.", "文件既不是文本，也不是 .xlsx 工作簿。")
TOO_BIG_INSIDE = Message("Unpacked, the workbook would take more than {most} MB.", "工作簿解压后将超过 {most} MB。")
TOO_DENSE = Message(
    "The workbook is packed more than {most} times; nothing that people write is.",
    "工作簿的压缩比超过 {most} 倍，不像人工编写的文件。",
)
TOO_MANY_PARTS = Message("The workbook has more than {most} parts.", "工作簿的部件超过 {most} 个。")
TOO_MUCH_TEXT = Message(
    "The workbook has more text than can be held at once; part it, or save it as CSV.",
    "工作簿的文本过多，请拆分，或另存为 CSV。",
)
TOO_MANY_ROWS = Message("At most {most} rows; part the file.", "最多 {most} 行，请拆分文件。")
TOO_MANY_COLUMNS = Message("At most {most} columns.", "最多 {most} 列。")
TOO_MANY_MERGED = Message(
    "More than {most} merged ranges; unmerge the cells.", "合并区域超过 {most} 处，请取消合并。"
)
NO_ENCODING = Message(
    "The text is neither UTF-8 nor GB18030 from this line on; save the file as UTF-8.",
    "自此行起既不是 UTF-8 也不是 GB18030 编码，请将文件另存为 UTF-8。",
)
MIXED = Message(
    "This line has another encoding than the lines before it ({here}, not {before}); save the file as UTF-8.",
    "此行编码（{here}）与之前各行（{before}）不同，请将文件另存为 UTF-8。",
)
ARRAY = Message(
    "One JSON object a line, not one list; without its brackets and the commas between rows it can be read.",
    "应为每行一个 JSON 对象，而不是一个列表；去掉方括号和行间逗号即可。",
)

# Of its header.
NO_HEADER = Message(
    "No row names a column of {kind}; the template shows how they are called.",
    "没有任何一行是{kind_zh}的表头，请参照模板中的列名。",
)
UNKNOWN_COLUMN = Message(
    'There is no column "{header}"; the nearest: {near}. Map it to one of them, or to "" to leave it out.',
    "没有“{header}”这一列，最接近的有：{near}。可在映射中指向其中之一，或指向空文本以忽略。",
)
UNKNOWN_COLUMN_ALONE = Message(
    'There is no column "{header}". Map it to a column of ours, or to "" to leave it out.',
    "没有“{header}”这一列。可在映射中指向某一列，或指向空文本以忽略。",
)
COLUMN_TWICE = Message(
    'This column and "{other}" both give {name}; map one of them to "".',
    "此列与“{other}”都对应 {name}，请在映射中将其一指向空文本。",
)
BAD_MAPPING = Message(
    "The mapping leads to {name}, which is no column of {kind}.", "映射指向的 {name} 不是{kind_zh}的列。"
)
UNREAD_COLUMNS = Message(
    'Nothing of the file was taken in, because of the columns named above: map each, or to "" to leave it out.',
    "由于上述列无法识别，文件未被导入；请在映射中为其指定字段，或指向空文本以忽略。",
)
COLUMN_MISSING = Message(
    'There is no column for {name}, which every row needs; call it "{en}".',
    "缺少每行必填的 {name} 列，请命名为“{zh}”。",
)
TWO_HEADERS = Message(
    "The header may take one row only; write what row {line} says ({names}) into the header, and delete that row.",
    "表头只能占一行；请把第 {line} 行的内容（{names}）写入表头行，并删除该行。",
)
TWO_HEADERS_MERGED = Message(
    "The header may take one row only; unmerge {ranges}, and name each column in one row.",
    "表头只能占一行；请取消合并 {ranges}，并在同一行写明各列名称。",
)

# Of a row.
TOO_LONG_LINE = Message("A row may have {most} bytes.", "每行最多 {most} 字节。")
BROKEN_QUOTES = Message(
    'The quotes of this row are broken: a " within quotes is written "", and every opened one is closed.',
    '此行引号有误：引号内的 " 应写作 ""，且引号须成对。',
)
OPEN_QUOTE = Message(
    "A quote that is opened in this row is never closed; everything after it stayed out.",
    "此行开始的引号没有结束，其后的内容均未读取。",
)
BEYOND_HEADER = Message(
    "This cell stands under no header; write the column's name into the header, or empty the cell.",
    "此单元格上方没有表头；请在表头行填写列名，或清空该单元格。",
)
NO_RECORD = Message("A total or a note is no record; take this row out.", "合计、备注等行不是记录，请删除此行。")
NOT_JSON = Message("Not a JSON object: {why}.", "不是 JSON 对象：{why}。")
MERGED = Message(
    "Part of the merged range {range}; unmerge it and write the value into each cell.",
    "属于合并区域 {range}；请取消合并，并在每个单元格填写内容。",
)

# Of a cell.
ENTRY = Message("Entry {number}: {text}", "第 {number} 项：{text}")
CELL_ERROR = Message("The cell holds the error {error}.", "单元格为错误值 {error}。")
NO_VALUE = Message(
    "This formula has no value yet; open the file in a spreadsheet and save it.",
    "公式尚无计算结果，请用表格软件打开并保存。",
)
DIGITS_LOST = Message(
    "A spreadsheet has shortened this number (it keeps 15 digits); format the cell as text and write it again.",
    "表格软件缩短了这个数字（最多保留 15 位）；请将单元格设为文本后重新填写。",
)
MADE_DAY = Message(
    "A spreadsheet has made a date of this; format the cell as text and write it again.",
    "表格软件将其转换成了日期；请将单元格设为文本后重新填写。",
)
MADE_YES = Message(
    "A spreadsheet has made TRUE or FALSE of this; format the cell as text and write it again.",
    "表格软件将其转换成了 TRUE 或 FALSE；请将单元格设为文本后重新填写。",
)
NO_TERM = Message(
    "{value} is none of the {vocabulary}: {near}. The second sheet of the template has them all.",
    "{value} 不属于“{vocabulary}”：{near}。模板的第二张表列出全部。",
)
AMBIGUOUS = Message(
    "{value} can be several of the {vocabulary}: {codes}; write the code.",
    "{value} 对应“{vocabulary}”中的多项：{codes}；请填写代码。",
)
NO_TRL = Message(
    '{value}: must be a level from 1 to 9, as 6, "TRL 6" or a stage like 中试 (pilot).',
    "“{value}”：应为 1 至 9 级，如 6、TRL 6，或中试等阶段。",
)
NO_AMOUNT = Message(
    "{value}: must be an amount in CNY, like 1800000, 180万 or 1.8 million.",
    "“{value}”：应为人民币金额，如 1800000、180万。",
)
WHOLE_YUAN = Message(
    "{value}: must be whole yuan, without decimals; or name the unit, like 12.5万.",
    "“{value}”：应为整数元，不含小数；或注明单位，如 12.5万。",
)
UNIT_DOUBTFUL = Message(
    "The header counts in {scale}s, which makes this {yuan} yuan; write the unit, like 500万 or 5000000元.",
    "表头单位使该值达 {yuan} 元（按 {scale} 元计）；请注明单位，如 500万 或 5000000元。",
)
ONE_AMOUNT = Message("{value}: must be one amount, not a range.", "“{value}”：应为单个金额，而不是区间。")
NO_BUDGET = Message(
    "{value}: must be an amount or a range in CNY, like 50万-80万.", "“{value}”：应为人民币金额或区间，如 50万-80万。"
)
NO_YES = Message("{value}: must be yes or no.", "“{value}”：应为 是 或 否。")
NO_DATE = Message(
    "{value}: must be a whole day, like 2027-09-30.", "“{value}”：应为完整日期（年、月、日），如 2027-09-30。"
)
DAY_PAST = Message(
    "The last day ({day}) is past: once published, the listing will be ended as expired.",
    "截止日期（{day}）已过：发布后将按过期处理。",
)
NO_INDICATOR = Message(
    "Must be like 耐盐雾时间 ≥ 4000 h, with ≥, ≤ or =, or a range as = 3~5.",
    "应如 耐盐雾时间 ≥ 4000 h，用 ≥、≤ 或 =，区间写作 = 3~5。",
)
NO_TIER = Message(
    "Must be like 技术难题: 签署保密承诺后, a field and from which tier on it is shown, parted by semicolons.",
    "应如 技术难题: 签署保密承诺后，即字段与披露层级，多项以分号分隔。",
)
NOT_PROTECTABLE = Message(
    "{name} is no field that can be given a tier; these can: {known}.",
    "{name} 不是可设置披露层级的字段；可设置的有：{known}。",
)
TIER_OF_FIELD = Message("The tier of {name} must be one of: {choices}.", "{name} 的披露层级应为：{choices}。")
TWO_TIERS = Message("{name} is given two different tiers.", "{name} 被设置了两个不同的披露层级。")
NO_YEAR = Message("The year must be four digits.", "年份应为四位数字。")
WORK_PARTS = Message(
    "A work is one line: title | year | identifier | kind | abstract.", "每行一项：标题 | 年份 | 标识 | 类型 | 摘要。"
)


def entry(number: int, message: Message) -> Message:
    """The message, said of one entry of a list (from 1)."""
    return ENTRY.format(number=number, text=message)
