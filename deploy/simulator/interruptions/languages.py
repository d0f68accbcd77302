"""What Android says in its dialogs, by language. The texts are AOSP's; `{app}` is the app's label."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """`right_to_left` turns the alignment; the ids of the views are the same in every language."""

    camera: str
    location: str
    allow: str
    allow_foreground: str
    allow_once: str
    deny: str
    not_responding: str
    close: str
    wait: str
    incoming: str
    answer: str
    decline: str
    right_to_left: bool = False


LANGUAGES = {
    "en": Words(
        "Allow {app} to take pictures and record video?",
        "Allow {app} to access this device’s location?",
        "Allow",
        "While using the app",
        "Only this time",
        "Don’t allow",
        "{app} isn't responding",
        "Close app",
        "Wait",
        "Incoming call",
        "Answer",
        "Decline",
    ),
    "zh-CN": Words(
        "允许“{app}”拍照和录制视频吗？",
        "允许“{app}”获取此设备的位置信息吗？",
        "允许",
        "仅在使用该应用时允许",
        "仅限这一次",
        "不允许",
        "“{app}”没有响应",
        "关闭应用",
        "等待",
        "来电",
        "接听",
        "拒接",
    ),
    "de": Words(
        "Zulassen, dass {app} Bilder und Videos aufnimmt?",
        "Zulassen, dass {app} auf den Gerätestandort zugreift?",
        "Zulassen",
        "Bei Nutzung der App",
        "Nur dieses Mal",
        "Nicht zulassen",
        "{app} reagiert nicht",
        "App schließen",
        "Warten",
        "Eingehender Anruf",
        "Annehmen",
        "Ablehnen",
    ),
    "ja": Words(
        "写真と動画の撮影を「{app}」に許可しますか？",
        "この端末の位置情報へのアクセスを「{app}」に許可しますか？",
        "許可",
        "アプリの使用時のみ",
        "今回のみ",
        "許可しない",
        "「{app}」が応答していません",
        "アプリを閉じる",
        "待機",
        "着信",
        "応答",
        "拒否",
    ),
    "ar": Words(
        "هل تريد السماح لتطبيق {app} بالتقاط صور وتسجيل فيديو؟",
        "هل تريد السماح لتطبيق {app} بالوصول إلى موقع هذا الجهاز؟",
        "السماح",
        "أثناء استخدام التطبيق",
        "هذه المرة فقط",
        "عدم السماح",
        "لا يستجيب {app}",
        "إغلاق التطبيق",
        "انتظار",
        "مكالمة واردة",
        "ردّ",
        "رفض",
        right_to_left=True,
    ),
}


def words(language: str) -> Words:
    """ValueError where nobody wrote them down."""
    if language not in LANGUAGES:
        raise ValueError(f"no texts for the language {language!r}; there are {', '.join(LANGUAGES)}")
    return LANGUAGES[language]
