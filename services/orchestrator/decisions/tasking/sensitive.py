"""Which labels, ids and screens are about something that needs consent, in Chinese and English. Pure.

A label is judged as that of a button: it has to say the deed, and hardly more. "Delete" and "删除" do, the title
"Deleted items" and the app "支付宝" do not. A bare "OK" takes its meaning from what the screen asks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Literal

Deed = Literal["PAY", "DELETE", "SEND", "CALL", "GRANT", "INSTALL"]

WORDS: dict[Deed, str] = {
    "PAY": "it pays, buys or orders",
    "DELETE": "it deletes something",
    "SEND": "it sends or publishes something",
    "CALL": "it makes a call",
    "GRANT": "it grants a permission",
    "INSTALL": "it installs or removes an app",
}
_LABEL_CHARS = 60
_LABEL_WORDS = 9
_EN_NOUN = (
    r"(?!\s*(?:history|histories|records?|details?|lists?|status|settings?|info|information|dates?|numbers?|guides?|help"
    r"|cent(?:er|re)|attention|methods?|options?|logs?|code|codes|by|type|forwarding|waiting|recordings?|office|title"
    r"|duty|tips|policy|rules?|reports?|id|no\b|notes?\b))\b"
)
"""What makes a noun of a verb: "order history", "call log", "pay attention"."""
_EN: dict[Deed, str] = {
    "PAY": (
        r"(?:pay(?:\s+now)?|buy|purchase|order(?:\s+now)?|place\s+(?:your\s+|the\s+|an?\s+)?order|check\s?out"
        r"|(?:submit|confirm|complete)\s+(?:and\s+)?(?:your\s+|the\s+)?(?:pay|payment|purchase|order|transfer|booking)"
        r"|send\s+(?:money|payment|gift)|transfer|withdraw|top\s+up|recharge|donate|book\s+now|subscribe\s+(?:now|for))"
    ),
    "DELETE": (
        r"(?:delete|remove|erase|wipe|discard|clear\s+(?:all|data|history|storage|chat|everything)|empty\s+(?:the\s+)?"
        r"(?:trash|bin)|move\s+to\s+(?:trash|bin)|format\s+(?:sd|card|storage|disk|drive|phone|device)|factory\s+reset|reset\s+(?:phone|device|all|everything)"
        r"|(?:close|deactivate|cancel)\s+(?:my\s+|your\s+)?(?:account|order|subscription)|unfriend|leave\s+group)"
    ),
    "SEND": r"(?:send|post(?:\s+now)?|publish|submit|tweet|share\s+now)",
    "CALL": r"(?:(?:video\s+|voice\s+|emergency\s+)?call|dial)",
    "GRANT": (
        r"(?:(?:always\s+)?allow|grant|authori[sz]e|while\s+using\s+the\s+app|only\s+this\s+time|give\s+access"
        r"|permit)"
    ),
    "INSTALL": r"(?:install|uninstall|reinstall)",
}  # fmt: skip
_ENGLISH = {
    deed: re.compile(rf"(?:(?:yes|ok|confirm)[,:]?\s+(?:and\s+)?)?{verbs}\b{_EN_NOUN}") for deed, verbs in _EN.items()
}

_ZH_BEFORE = (
    r"(?:确认|确定|立即|立刻|马上|现在|继续|全部|批量|永久|彻底|一键|快捷|极速|免密|同意(?:协议)?并?|是的?"
    r"|仍然|仍要|去|并|[,。!:\s])*"
)
_ZH_AFTER = r"(?:[\s¥￥$\d.,:()元件项个张条份x×!]*)"
_ZH: dict[Deed, str] = {
    "PAY": (
        r"(?:支付|付款|购买|下单|提交订单|结算|结账|充值|转账|提现|打赏|抢购|预订|预定|买单|还款|缴费|投保|续费|付定金|确认订单"
        r"|(?:开通|订阅)(?:会员|vip|服务|套餐)?|发红包|塞钱进红包)(?:订单|金额|商品|会员|套餐)?"
    ),
    "DELETE": (
        r"(?:删除|删掉|移除|清空|清除|抹掉|抹除|格式化|恢复出厂设置|还原所有设置|注销|解散|退群|退出群聊|拉黑|取消订单|取消订阅|移到回收站)"
        r"(?:并退出|(?:该|此|本|所有|全部|这.?)?(?:聊天|数据|缓存|记录|历史|聊天记录|历史记录|账号|账户|帐号|好友|联系人|对话|照片|图片"
        r"|视频|文件|消息|信息|短信|邮件|日程|闹钟|群聊|群|笔记|内容|订单|商品|评论|动态)*)"
    ),
    "SEND": (
        r"(?:发送|发表|发布|发帖|提交|群发|发出|投稿)(?:给.{1,12}|(?:消息|短信|信息|邮件|评论|动态|原图|图片|视频|文件|申请|表单|验证码"
        r"|红包|朋友圈|问卷|答案|反馈)*)"
    ),
    "CALL": r"(?:拨打|拨号|呼叫|打电话|语音通话|视频通话|语音呼叫|视频呼叫|紧急呼叫)(?:电话|号码)?",
    "GRANT": (
        r"(?:(?:始终|总是|本次|仅本次|使用时|使用期间|本次运行|每次|仅在使用.{0,8}(?:时|中|期间))?允许(?:本次|一次|使用|访问)?"
        r"|仅在使用(?:该应用|此应用|应用|本应用)?(?:时|中|期间)(?:允许)?|仅此一次|仅限这一次|授权|同意授权|授予(?:权限)?)"
    ),
    "INSTALL": r"(?:无视风险)?(?:安装|卸载)(?:应用|程序|软件)?",
}
_CHINESE = {deed: re.compile(rf"{_ZH_AFTER}{_ZH_BEFORE}{verbs}{_ZH_AFTER}") for deed, verbs in _ZH.items()}
_SLIDE: dict[Deed, re.Pattern[str]] = {
    "PAY": re.compile(r"(?:slide|swipe) to (?:pay|buy|order)|滑动.{0,4}(?:支付|付款|下单|购买)"),
    "CALL": re.compile(r"(?:slide|swipe) to (?:call|dial)|滑动.{0,4}(?:呼叫|拨打)"),
    "DELETE": re.compile(r"(?:slide|swipe) to (?:delete|erase)|滑动.{0,4}删除"),
    "SEND": re.compile(r"(?:slide|swipe) to (?:send)|滑动.{0,4}发送"),
}

_ID_DEEDS: dict[str, Deed] = {
    "pay": "PAY", "buy": "PAY", "purchase": "PAY", "checkout": "PAY", "delete": "DELETE", "remove": "DELETE",
    "erase": "DELETE", "trash": "DELETE", "send": "SEND", "publish": "SEND", "submit": "SEND", "dial": "CALL",
    "call": "CALL", "uninstall": "INSTALL", "install": "INSTALL",
}  # fmt: skip
_ID_NOUNS = frozenset(
    {"list", "title", "history", "log", "logs", "tab", "header", "record", "records", "name", "time", "count", "hint",
     "container", "method", "methods", "row", "layout", "cancel", "text", "settings", "status", "view", "recycler"}
)  # fmt: skip
"""Words of an id that name a thing, not the button that does it."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")

_CONSENT = re.compile(
    r"(?:ok|okay|yes|confirm|continue|done|accept|agree|i agree|next|proceed|go|finish|sure"
    r"|确定|确认|是|是的|好|好的|继续|完成|同意|下一步|知道了|我知道了)(?:\s*\(?\d+\)?)?"
)
"""Labels that consent to whatever the screen asks."""
_REFUSAL = re.compile(
    r"(?:cancel|no|not now|later|deny|don[’']?t allow|decline|close|back|dismiss|skip|never|keep|stay"
    r"|取消|否|不|不允许|禁止|拒绝|关闭|返回|以后再说|暂不|跳过|不同意|再想想|保留|不了|稍后)(?:\s.*)?"
)
_ASKED: tuple[tuple[Deed, str, str], ...] = (
    ("PAY", r"(?:pay|paid|buy|purchase|order|transfer|charged?|subscri)",
     "支付|付款|购买|下单|转账|充值|扣款|提现"),
    ("DELETE", r"(?:delete|remove|erase|wipe|discard|reset|clear|deactivate)d?",
     "删除|移除|清空|清除|抹掉|格式化|恢复出厂|注销|解散|退出群"),
    ("SEND", r"(?:send|sent|post|publish|share|submit)(?:ed)?", "发送|发布|发表|提交|转发"),
    ("CALL", r"(?:call|dial)(?:ed)?", "拨打|呼叫"),
    ("GRANT", r"(?:allow|access|grant)", "允许|访问您?的|获取您?的|授权"),
    ("INSTALL", r"(?:un)?install(?:ed)?", "安装|卸载"),
)  # fmt: skip
_ASKS: dict[Deed, re.Pattern[str]] = {
    deed: re.compile(
        rf"(?:are you sure|do you (?:really )?want|will be|will permanently|permanently|going to|about to|confirm)"
        rf".{{0,60}}\b(?:{english})|^(?:{english})\b[^.]{{0,60}}\?"
        rf"|(?:确定|确认|是否|要|将|即将|真的|想).{{0,14}}(?:{chinese})|^.{{0,2}}(?:{chinese}).{{0,20}}[?吗]"
    )
    for deed, english, chinese in _ASKED
}
"""What a screen asks that a bare OK would answer."""

_PAYMENT_ACTIVITY = re.compile(
    r"cashier|checkout|mspcontainer|pay(?:ment)?(?:page|sheet|flow|confirm)?(?:activity|fragment)?$"
)
_PAYMENT_TEXTS = re.compile(
    r"收银台|确认付款|支付密码|付款方式|^confirm payment$|^checkout$|^review (?:and|&) pay$|^payment method$"
)
_DEVELOPER = re.compile(r"developmentsettings|developeroptions|^developer options$|^开发(?:者|人员)选项$")
_SECRET_FIELD = re.compile(
    r"\b(?:passwords?|passcode|pin(?: code)?|otp|cvv|cvc|security code|verification code|sms code|one[- ]time code)\b"
    r"|密码|验证码|校验码|口令|安全码|动态码"
)
_SECRET_IDS = frozenset({"password", "passwd", "pwd", "pin", "otp", "cvv", "cvc", "passcode", "captcha", "verifycode"})
_MESSAGE_FIELD = re.compile(
    r"\b(?:message|comment|reply|sms|tweet|say something|what[’']s (?:on your mind|happening))\b"
    r"|发消息|输入消息|说点什么|说两句|评论|回复|留言|写信息|短信|信息内容|私信"
)
_MESSAGE_IDS = frozenset({"message", "msg", "comment", "reply", "chat", "compose", "sms"})
_LOGIN = re.compile(
    r"(?:log|sign)\s?(?:in|up|on)|register|一键登录|本机号码一键登录|登录|登陆|注册|立即登录|登录/注册|同意并登录"
)
_LOGIN_AT_ONCE = re.compile(
    r"(?:continue|sign in|log in|sign up) with (?:google|apple|facebook|wechat|phone|sms|qq|x|twitter|github)"
    r"|.{0,8}一键登录|(?:微信|qq|支付宝|微博)(?:账号)?(?:授权)?登录"
)


def plain(text: str) -> str:
    """A text as it is compared: full-width forms narrowed, lower case, one line, no dots at its end."""
    line = " ".join(unicodedata.normalize("NFKC", text).lower().split())
    return line.strip(" .。!…>›→")


def deed_of_label(label: str) -> Deed | None:
    """What a button with this label does that needs consent; None: nothing, as far as its label tells."""
    text = plain(label)
    if not text or len(text) > _LABEL_CHARS:
        return None
    for deed, sliding in _SLIDE.items():
        if sliding.search(text):
            return deed
    for deed, chinese in _CHINESE.items():
        if chinese.fullmatch(text):
            return deed
    if len(text.split()) <= _LABEL_WORDS:
        for deed, english in _ENGLISH.items():
            if english.match(text):
                return deed
    return None


def deed_of_id(resource_id: str) -> Deed | None:
    """The same by the id of a button without a label: `com.example:id/btn_send`."""
    parts = id_words(resource_id)
    if any(part in _ID_NOUNS for part in parts):
        return None
    return next((_ID_DEEDS[part] for part in parts if part in _ID_DEEDS), None)


def id_words(resource_id: str) -> tuple[str, ...]:
    name = resource_id.rpartition("/")[2]
    return tuple(part.lower() for part in _CAMEL.split(name) if part)


def is_consent(label: str) -> bool:
    """Whether a label says yes to whatever is asked."""
    return _CONSENT.fullmatch(plain(label)) is not None


def is_refusal(label: str) -> bool:
    return _REFUSAL.fullmatch(plain(label)) is not None


def deed_asked(texts: Iterable[str]) -> Deed | None:
    """What a screen asks consent for, by its texts."""
    for text in texts:
        line = plain(text)
        for deed, asks in _ASKS.items():
            if asks.search(line):
                return deed
    return None


def is_payment(activity: str | None, texts: Iterable[str]) -> bool:
    """Whether a screen is one on which something is paid."""
    name = (activity or "").rpartition(".")[2].lower()
    return bool(name and _PAYMENT_ACTIVITY.search(name)) or any(_PAYMENT_TEXTS.search(plain(text)) for text in texts)


def is_developer(activity: str | None, texts: Iterable[str]) -> bool:
    """Whether a screen is the settings' developer options."""
    name = (activity or "").lower()
    return bool(_DEVELOPER.search(name)) or any(_DEVELOPER.search(plain(text)) for text in texts)


def is_secret_field(label: str, resource_id: str | None) -> bool:
    """Whether a field takes what only its owner knows: a password, a PIN, a verification code."""
    words = id_words(resource_id or "")
    return _SECRET_FIELD.search(plain(label)) is not None or any(word in _SECRET_IDS for word in words)


def is_message_field(label: str, resource_id: str | None) -> bool:
    """Whether Enter in a field sends what is in it to somebody."""
    words = id_words(resource_id or "")
    return _MESSAGE_FIELD.search(plain(label)) is not None or any(word in _MESSAGE_IDS for word in words)


def logs_in(label: str, *, with_password: bool) -> bool:
    """Whether a button logs somebody in: at once, or with what is in the password field beside it."""
    text = plain(label)
    return _LOGIN_AT_ONCE.fullmatch(text) is not None or (with_password and _LOGIN.fullmatch(text) is not None)
