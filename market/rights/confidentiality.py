"""What whoever asks to see protected fields consents to, in Chinese and English, named by version and SHA-256.

Whoever changes a text gives it a new version; consents given to an older one stay on record with its hash.
"""

from __future__ import annotations

import hashlib

VERSION = "2026-1"

ZH = """保密承诺

一、我申请查阅的内容（以下称“保密内容”）由发布方受限披露，仅供我评估与发布方就该项发布开展合作的可能。
二、我不向任何第三方披露保密内容。在本机构内，只让为上述评估确需知悉、且受同等保密义务约束的人员知悉，并对其行为负责。
三、我不将保密内容用于上述评估以外的任何目的，不据以申请专利或其他权利，不进行反向工程，不将其输入会保留或再利用该内容的外部系统。
四、下列内容不受上述约束：披露前我已合法知悉的；非因我的过错已为公众所知的；我从有权披露的第三方合法取得的；法律要求披露的，但应在允许范围内事先告知发布方。
五、查阅期限由发布方决定，发布方可随时撤销。期限届满或被撤销后，我不再使用保密内容，并删除所留副本。
六、保密义务自同意之日起五年内有效，不因查阅期限届满或被撤销而终止。构成商业秘密的，在其丧失秘密性之前一直有效。
七、本承诺不授予我任何专利、著作权、商业秘密或其他权利的许可。
八、我每次查阅保密内容均由平台记录，记录可供发布方与平台在发生争议时作为证据。"""

EN = """Undertaking of confidentiality

1. What I ask to see ("the confidential content") is disclosed to me within limits by whoever posted it, only \
for me to assess whether we might work together on it.
2. I disclose it to no third party. Within my organisation only those see it who need it for that assessment and\
 are bound alike, and I answer for them.
3. I use it for nothing else. I base no application for a patent or other right on it, reverse-engineer nothing \
from it, and enter it into no outside system that keeps or reuses it.
4. This does not bind me for what I lawfully knew before, what is public through no fault of mine, what I \
lawfully got from a third party free to disclose it, and what the law obliges me to disclose, of which I give \
notice beforehand where I may.
5. Whoever posted it decides for how long I may see it, and may end that at any time. From then on I use it no \
more and delete what copies I have.
6. The duty of confidentiality holds for five years from the day of consent, also after access has ended; for a \
trade secret, for as long as it is one.
7. This grants me no licence under any patent, copyright, trade secret or other right.
8. The platform records each time I see confidential content. In a dispute the records may serve whoever posted \
it and the platform as evidence."""

SHA256 = hashlib.sha256(f"{ZH}\n\n{EN}".encode()).hexdigest()
"""Of the Chinese text, two line feeds, and the English text, in UTF-8; in hex."""
