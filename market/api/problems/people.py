"""Problems with accounts, signing in, keys and organisations: status, title, advice; gathered by catalogue.py."""

from __future__ import annotations

WORDS: dict[str, tuple[int, str, str, str, str]] = {
    "sign-in-failed": (
        401,
        "Nobody is signed in",
        "登录失败",
        "Address or password is wrong, or it was tried too often: wait some minutes, or set a new password.",
        "邮箱或密码不正确，或尝试过于频繁：请几分钟后再试，或重置密码。",
    ),
    "not-vouched": (
        401,
        "The provider vouches for nobody",
        "身份提供方未予确认",
        "Begin again at GET /api/v1/sign-in; what comes back is good for ten minutes, once, in the same browser.",
        "请从 GET /api/v1/sign-in 重新开始；须在十分钟内、于同一浏览器中完成一次。",
    ),
    "sign-in-first": (
        401,
        "Sign in first",
        "请先登录",
        "Sign in with the address that is invited, then accept again, or use the link that was mailed to it.",
        "请用受邀邮箱登录后再接受邀请，或使用发往该邮箱的邮件中的链接。",
    ),
    "key-with-scopes": (
        403,
        "Not with a key that has scopes",
        "限定范围的密钥不能用于此操作",
        "This is for the account's owner: use a key without scopes, as signing in gives one.",
        "此操作仅限账户本人：请使用不限范围的密钥，例如登录所得的密钥。",
    ),
    "sign-in-again": (
        403,
        "Sign in once more",
        "请重新登录",
        "Your account has no password to ask for: sign in, then do this with that key within {minutes} minutes.",
        "您的账户没有密码：请重新登录，并在 {minutes} 分钟内用所得密钥进行此操作。",
    ),
    "address-unconfirmed": (
        403,
        "Confirm your mail address first",
        "请先确认您的邮箱",
        "Use the link in the mail that you were sent; POST /api/v1/accounts/actions/forgot sends another. Where "
        "there is no mail, ask whoever runs the exchange, or sign in with an identity provider.",
        "请使用邮件中的链接；POST /api/v1/accounts/actions/forgot 可再次发送。未启用邮件时，请联系平台管理员，"
        "或通过身份提供方登录。",
    ),
    "invitation-of-another": (
        403,
        "Somebody else is invited",
        "受邀者不是您",
        "The invitation is for another mail address than your account's.",
        "该邀请发给另一个邮箱，与您的账户不符。",
    ),
    "email-taken": (
        409,
        "The address has an account",
        "该邮箱已有账户",
        "Another account has this mail address.",
        "该邮箱已被其他账户使用。",
    ),
    "identity-taken": (
        409,
        "It signs in to another account",
        "已关联其他账户",
        "Sign in with it, and remove it there first.",
        "请先用它登录原账户并解除关联。",
    ),
    "last-way-in": (
        409,
        "Your last way in",
        "这是唯一的登录方式",
        "Set a password first, or add another provider.",
        "请先设置密码或关联其他身份提供方。",
    ),
    "last-administrator": (
        409,
        "The last administrator",
        "最后一位系统管理员",
        "Make somebody else administrator first.",
        "请先指定其他系统管理员。",
    ),
    "last-of-organisation": (
        409,
        "The organisation's last administrator",
        "该机构最后一位管理员",
        "Make somebody else its administrator first.",
        "请先为该机构指定其他管理员。",
    ),
    "too-many-keys": (
        409,
        "Too many keys",
        "密钥过多",
        "One person has at most {most}. End some that are not used any more.",
        "每人最多 {most} 个密钥，请先吊销不再使用的。",
    ),
    "too-many-organisations": (
        409,
        "Too many organisations",
        "机构过多",
        "One person registers at most {most} that are not verified yet.",
        "每人最多登记 {most} 个未认证的机构。",
    ),
    "too-many-invitations": (
        429,
        "Enough invitations for today",
        "今日邀请过多",
        "An organisation sends at most {most} a day. Come back in {seconds} seconds.",
        "每个机构每天最多发出 {most} 份邀请，请在 {seconds} 秒后重试。",
    ),
    "passwords-off": (
        501,
        "No passwords here",
        "此处不使用密码",
        "People sign in with an identity provider: GET /api/v1/sign-in lists them.",
        "请通过身份提供方登录，见 GET /api/v1/sign-in。",
    ),
    "provider-away": (
        503,
        "The identity provider does not answer",
        "身份提供方无应答",
        "Try again in a few seconds, or sign in otherwise.",
        "请几秒后重试，或改用其他登录方式。",
    ),
}
