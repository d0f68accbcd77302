"""Which labels, ids and screens need a person's consent, in Chinese and English."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orchestrator.decisions.tasking.sensitive import (
    deed_asked,
    deed_of_id,
    deed_of_label,
    is_consent,
    is_developer,
    is_message_field,
    is_payment,
    is_refusal,
    is_secret_field,
    logs_in,
)

DEEDS = {
    "PAY": (
        "支付", "立即支付", "立即支付 ¥128.00", "¥12.00 立即支付", "确认支付", "确认付款", "付款", "去付款",
        "提交订单", "结算(2)", "去结算", "立即购买", "充值", "转账", "确认转账", "提现", "打赏", "同意协议并支付",
        "续费", "开通会员", "免密支付", "塞钱进红包", "Pay", "PAY", "Pay now", "Pay $12.00", "Buy now", "Buy",
        "Purchase", "Place order", "Place your order", "Checkout", "Check out (3)", "Confirm payment",
        "Confirm and pay", "Submit order", "Transfer", "Send money", "Top up", "Withdraw", "Donate", "Swipe to pay",
        "滑动支付", "Book now",
    ),
    "DELETE": (
        "删除", "确认删除", "全部删除", "永久删除", "删除聊天记录", "删除联系人", "删除(3)", "删除并退出", "清空",
        "清空聊天记录", "移除", "清除数据", "格式化", "恢复出厂设置", "注销账号", "退出群聊", "解散", "拉黑",
        "取消订单", "Delete", "DELETE", "ＤＥＬＥＴＥ", "Delete 3 items", "Delete account", "Yes, delete", "Remove",
        "Erase", "Discard", "Clear all", "Clear data", "Empty trash", "Move to trash", "Factory reset",
        "Cancel order", "Unfriend",
    ),
    "SEND": (
        "发送", "发送(1)", "确认发送", "发送给张三", "发送消息", "发送原图", "发表", "发布", "发帖", "提交", "群发",
        "发送验证码", "Send", "SEND", "Send message", "Post", "Publish", "Submit", "Tweet",
    ),
    "CALL": (
        "拨打", "拨打电话", "呼叫", "打电话", "语音通话", "视频通话", "Call", "Video call", "Dial", "Emergency call",
    ),
    "GRANT": (
        "允许", "始终允许", "仅在使用中允许", "仅在使用该应用时允许", "本次允许", "仅此一次", "授权", "Allow",
        "Always allow", "Allow all the time", "While using the app", "Only this time", "Grant", "Authorize",
    ),
    "INSTALL": (
        "安装", "继续安装", "卸载", "无视风险安装", "Install", "Uninstall",
    ),
}  # fmt: skip
HARMLESS = (
    "发现", "支付宝", "支付宝支付", "微信支付", "支付记录", "支付方式", "支付成功", "支付设置", "转账记录",
    "充值记录", "购买记录", "已发送", "发送记录", "最近删除", "已删除", "垃圾清理", "通话记录", "不允许",
    "允许通知的应用", "安装包管理", "已安装", "订单", "我的订单", "发票", "设置", "搜索", "返回", "首页", "朋友圈",
    "通讯录", "收藏", "添加", "购物车", "加入购物车", "提交记录", "拨号盘", "支付宝到账1元",
    "请在发送之前检查一下所有的内容是不是都写对了，发送之后不能撤回", "", "Pay attention", "PayPal", "Google Pay",
    "Payment methods", "Payments", "Order history", "Orders", "Order details", "Transfer history", "Purchases",
    "Purchase history", "Buyers", "Deleted items", "Recently deleted", "Removed", "Format", "Formatting", "Sender",
    "Sent", "Sending options", "Posts", "Post office", "Submitted", "Call log", "Call history", "Calls",
    "Call forwarding", "Don't allow", "Deny", "Allowed apps", "Installed apps", "Installer", "Search", "Settings",
    "Discover", "Add to cart", "Next", "OK", "Cancel",
    "Send us a letter by post to the address that is given below please",
)  # fmt: skip


@pytest.mark.parametrize(("deed", "label"), [(deed, label) for deed, labels in DEEDS.items() for label in labels])
def test_what_a_button_says_it_does_needs_consent(deed: str, label: str):
    assert deed_of_label(label) == deed


@pytest.mark.parametrize("label", HARMLESS)
def test_what_only_names_such_a_thing_does_not(label: str):
    assert deed_of_label(label) is None


@pytest.mark.parametrize(
    ("resource_id", "deed"),
    [
        ("com.example:id/btn_send", "SEND"),
        ("com.example:id/sendButton", "SEND"),
        ("com.example:id/iv_delete", "DELETE"),
        ("com.example:id/payNow", "PAY"),
        ("com.example:id/fab_dial", "CALL"),
        ("com.example:id/sender_name", None),
        ("com.example:id/call_log", None),
        ("com.example:id/pay_method_row", None),
        ("com.example:id/btn_pay_cancel", None),
        ("com.example:id/display", None),
        ("", None),
    ],
)
def test_an_icon_is_known_by_its_id(resource_id: str, deed: str | None):
    assert deed_of_id(resource_id) == deed


@pytest.mark.parametrize(
    ("text", "deed"),
    [
        ("Delete this item?", "DELETE"),
        ("Are you sure you want to pay ¥5?", "PAY"),
        ("This will permanently delete all photos", "DELETE"),
        ("Do you want to uninstall this app?", "INSTALL"),
        ("确定要删除该联系人吗？", "DELETE"),
        ("是否卸载此应用？", "INSTALL"),
        ("确认支付 5 元", "PAY"),
        ("即将拨打 10086", "CALL"),
        ("Notes", None),
        ("Deleted items", None),
        ("你好，在吗？", None),
        ("Do you like it?", None),
    ],
)
def test_a_bare_ok_means_what_the_screen_asks(text: str, deed: str | None):
    assert deed_asked(["Title", text]) == deed


@pytest.mark.parametrize("label", ["OK", "Yes", "Confirm", "确定", "确认", "同意", "继续", "确定(5)"])
def test_consent_is_known(label: str):
    assert is_consent(label)
    assert not is_refusal(label)


@pytest.mark.parametrize("label", ["Cancel", "No", "Don't allow", "Deny", "取消", "不允许", "拒绝", "暂不"])
def test_a_refusal_is_known(label: str):
    assert is_refusal(label)
    assert not is_consent(label)


@pytest.mark.parametrize(
    ("label", "resource_id", "secret"),
    [
        ("Password", None, True), ("PIN", None, True), ("短信验证码", None, True), ("请输入密码", None, True),
        ("Security code", None, True), ("", "com.example:id/et_password", True), ("", "com.example:id/otpField", True),
        ("Search", "com.example:id/search", False), ("Pinned notes", None, False), ("Shipping", None, False),
        ("Name", "com.example:id/spinner", False),
    ],
)  # fmt: skip
def test_fields_of_secrets_are_known(label: str, resource_id: str | None, secret: bool):
    assert is_secret_field(label, resource_id) is secret


@pytest.mark.parametrize(
    ("label", "resource_id", "sends"),
    [
        ("Message", None, True), ("说点什么...", None, True), ("写评论", None, True), ("", "a:id/chat_input", True),
        ("Search", "a:id/search_box", False), ("Amount", None, False), ("标题", None, False),
    ],
)  # fmt: skip
def test_fields_whose_enter_sends_are_known(label: str, resource_id: str | None, sends: bool):
    assert is_message_field(label, resource_id) is sends


def test_screens_of_payment_and_of_developer_options_are_known():
    assert is_payment("com.alipay.android.msp.ui.views.MspContainerActivity", [])
    assert is_payment("com.shop.CashierActivity", [])
    assert is_payment(None, ["收银台"])
    assert not is_payment("com.shop.DisplayActivity", ["Play", "支付宝"])
    assert is_developer("com.android.settings.Settings$DevelopmentSettingsDashboardActivity", [])
    assert is_developer(None, ["开发者选项"])
    assert not is_developer("com.android.settings.Settings", ["System"])


@pytest.mark.parametrize(
    ("label", "with_password", "logs"),
    [
        ("Log in", True, True), ("登录", True, True), ("Log in", False, False), ("一键登录", False, True),
        ("本机号码一键登录", False, True), ("Continue with Google", False, True), ("登录记录", True, False),
        ("Login history", True, False),
    ],
)  # fmt: skip
def test_logging_in_is_known(label: str, with_password: bool, logs: bool):
    assert logs_in(label, with_password=with_password) is logs


@given(st.text(max_size=200))
def test_any_text_is_judged(text: str):
    deed_of_label(text), deed_of_id(text), deed_asked([text]), is_consent(text), is_refusal(text)
    is_secret_field(text, text)
    logs_in(text, with_password=True)
