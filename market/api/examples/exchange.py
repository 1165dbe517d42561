"""Examples of what the exchange has as a whole."""

from __future__ import annotations

VOCABULARIES = {
    "items": [
        {
            "name": "fields",
            "label": "高新技术领域",
            "zh": "高新技术领域",
            "en": "High-tech fields",
            "terms": [
                {
                    "code": "new_materials",
                    "label": "新材料",
                    "zh": "新材料",
                    "en": "New materials",
                    "parent": None,
                }
            ],
        }
    ]
}
