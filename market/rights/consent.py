"""What whoever claims something may consent to: to be shown, matched and contacted. In Chinese and English, named by
version and SHA-256.

Whoever changes a text gives it a new version; consents given to an older one stay on record with its hash.
"""

from __future__ import annotations

import hashlib

VERSION = "2026-1"

ZH = """展示、匹配与联系同意书

一、我是所认领内容的本人，或经其所属机构授权。所认领的内容由平台或他人录入，我已核对，或将自行更正。
二、我同意平台公开展示该内容中披露层级为公开的部分，并按我设定的层级向他人披露其余部分。
三、我同意平台将该内容与需求、成果或专家进行匹配，并向对方展示匹配结果与公开部分。
四、我同意平台向我转交他人的留言。我的邮箱与电话不因此公开，是否答复由我决定。
五、我可随时撤回本同意。专家撤回后，其资料即不再公开展示和匹配，直至我再次同意；此前已发生的展示不受影响。
六、我可要求更正或删除我的个人信息。"""

EN = """Consent to be shown, matched and contacted

1. The content I claim is about me, or I act for the organisation it belongs to. It was entered by the platform or \
by others; I have checked it, or will correct it myself.
2. I agree that the platform shows in public what of it has the tier public, and discloses the rest by the tiers \
that I set.
3. I agree that the platform matches it with demands, outcomes or experts, and shows the match and what is public \
to the other side.
4. I agree that the platform passes messages on to me. My mail address and telephone number do not become public by \
that, and whether I answer is up to me.
5. I may withdraw this consent at any time. An expert's profile is then no longer shown or matched until I consent \
again; what was shown before is not affected.
6. I may ask for my personal data to be corrected or deleted."""

SHA256 = hashlib.sha256(f"{ZH}\n\n{EN}".encode()).hexdigest()
"""Of the Chinese text, two line feeds, and the English text, in UTF-8; in hex."""
