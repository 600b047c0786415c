"""Key Vault's error bodies (learn.microsoft.com/azure/key-vault/general/rest-error-codes)."""

from local import names
from local.cloud.identities import Action, Application
from local.cloud.wire import Refusal, reply

RECOVERY_HELP = (
    "If you recently deleted this {kind} you may be able to recover it using the correct recovery command. For help "
    "resolving this "
    "issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"
)


class VaultError(Refusal):
    def __init__(
        self, status: int, code: str, message: str, inner: str | None = None, *headers: tuple[str, str]
    ) -> None:
        error: dict[str, object] = {"code": code, "message": message}
        if inner:
            error["innererror"] = {"code": inner}
        super().__init__(reply(status, {"error": error}, *headers))

    @classmethod
    def not_found(cls, kind: str, name: str) -> "VaultError":
        """`kind` is key or secret."""
        text = f"A {kind} with (name/id) {name} was not found in this key vault. {RECOVERY_HELP.format(kind=kind)}"
        return cls(404, f"{kind.capitalize()}NotFound", text)

    @classmethod
    def disabled(cls, operation: str, kind: str) -> "VaultError":
        return cls(
            403,
            "Forbidden",
            f"Operation {operation} is not allowed on a disabled {kind}.",
            f"{kind.capitalize()}Disabled",
        )

    @classmethod
    def forbidden(cls, caller: Application, action: Action, resource: str) -> "VaultError":
        """`resource` is the path inside the vault, such as keys/sops."""
        scope = (
            f"/subscriptions/{names.SUBSCRIPTION}/resourcegroups/{names.RESOURCE_GROUP}/providers/microsoft.keyvault/vaults/"
            f"{names.VAULT}/{resource}"
        )
        lines = (
            "Caller is not authorized to perform action on resource.",
            "If role assignments, deny assignments or role definitions were changed recently, please observe "
            "propagation time.",
            f"Caller: appid={caller.client_id};oid={caller.object_id};iss=https://sts.windows.net/{names.TENANT}/",
            f"Action: '{action}'",
            f"Resource: '{scope}'",
            "Assignment: (not found)",
            "DenyAssignmentId: null",
            "DecisionReason: null ",
            f"Vault: {names.VAULT};location=westeurope",
            "",
        )
        return cls(403, "Forbidden", "\r\n".join(lines), "ForbiddenByRbac")
