"""What models call actions and their arguments, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

Act = Literal["LAUNCH", "TAP", "LONG", "DOUBLE", "TYPE", "SWIPE", "SCROLL", "BACK", "HOME", "ENTER", "KEY", "PRESS",
              "WAIT", "TAKE_OVER", "NOTE", "CALL_API", "ASK", "FINISH", "FAIL"]  # fmt: skip

_ACTS: Final[Mapping[Act, str]] = {
    "LAUNCH": "launch launchapp open openapp startapp start 打开 启动 打开应用 启动应用",
    "TAP": "tap click touch singletap singleclick leftclick 点击 单击 轻触 点按 轻点",
    "LONG": "longpress longtap longclick pressandhold 长按",
    "DOUBLE": "doubletap doubleclick 双击",
    "TYPE": "type typename input inputtext typetext entertext 输入 键入 填写 输入文字 输入文本",
    "SWIPE": "swipe drag slide flick 滑动 拖动 拖拽 划动",
    "SCROLL": "scroll 滚动",
    "BACK": "back goback pressback navigateback 返回 后退",
    "HOME": "home gohome presshome navigatehome 主页 返回桌面 回到桌面 桌面",
    "ENTER": "enter pressenter keyboardenter 回车",
    "KEY": "presskey key keyevent systembutton 按键",
    "PRESS": "press",
    "WAIT": "wait sleep 等待",
    "TAKE_OVER": "takeover 接管 人工接管 请求接管",
    "NOTE": "note takenote 记录 笔记",
    "CALL_API": "callapi 调用接口 调用api",
    "ASK": "interact ask askuser askperson calluser 询问 交互 询问用户",
    "FINISH": "finish finished done complete completed taskcomplete terminate 完成 结束 任务完成",
    "FAIL": "fail failed giveup infeasible 失败 放弃",
}
ACTS: Final[Mapping[str, Act]] = {name: act for act, names in _ACTS.items() for name in names.split()}

ENDINGS: Final[frozenset[Act | None]] = frozenset({"FINISH", "FAIL"})
"""What ends a task."""

_ARGUMENTS: Final[Mapping[str, str]] = {
    "app": "app app_name appname application package package_name 应用 应用名",
    "text": "text content value input string 文本 内容 文字",
    "point": "element point position coordinate coordinates coord pos location at target start_box box bbox xy"
    " 坐标 位置 元素",
    "number": "number index id element_id element_index n 编号 序号",
    "start": "start from start_point start_coordinate 起点",
    "end": "end to end_point end_box end_coordinate coordinate2 终点",
    "direction": "direction 方向",
    "message": "message msg 消息 信息",
    "sensitive": "sensitive",
    "seconds": "duration seconds time secs timeout 时长 秒",
    "key": "key button keycode key_code 按键",
    "instruction": "instruction 指令",
    "question": "question 问题",
    "success": "success succeeded status goal_status result_status",
    "submit": "submit press_enter",
    "name": "name api api_name",
    "parameters": "parameters params",
    "reason": "reason summary answer result 原因",
    "action": "action action_type act 动作 操作",
    "thinking": "thinking thought thoughts think reasoning 思考",
    "x": "x", "y": "y", "x1": "x1", "y1": "y1", "x2": "x2", "y2": "y2",
}  # fmt: skip
_ROLES: Final[Mapping[str, str]] = {name: role for role, names in _ARGUMENTS.items() for name in names.split()}
ARGUMENT_NAMES: Final = tuple(sorted(_ROLES, key=len, reverse=True))


def act_of(name: Any) -> Act | None:
    """What an action is called by, whatever its case and its spaces; None for what is none."""
    if not isinstance(name, str) or len(name) > 40:
        return None
    return ACTS.get("".join(c for c in name.casefold() if c.isalnum()))


def by_role(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by what they are for; of two of the same role the first that is there counts."""
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        role = _ROLES.get(_plain(name))
        if role is not None and found.get(role) is None:
            found[role] = value
    return found


def role_of(name: str) -> str | None:
    return _ROLES.get(_plain(name))


def _plain(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_")
