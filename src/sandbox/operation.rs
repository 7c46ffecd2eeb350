//! The operations of the contract, and the route of each.
//!
//! **Invariant:** an operation has one route.

use serde::{Deserialize, Serialize};

macro_rules! operations {
    ($($operation:ident = $id:literal, $method:literal $path:literal;)+) => {
        /// The operations of the contract that the sandbox knows, by their operationId.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum SandboxOperation {
            $(
                #[doc = concat!($method, " ", $path)]
                #[serde(rename = $id)]
                $operation,
            )+
        }

        /// Method and path of each, in its account but for [`SandboxOperation::VerifyUserToken`]; `*` is an ID.
        pub(super) const ROUTES: &[(SandboxOperation, &str, &str)] =
            &[$((SandboxOperation::$operation, $method, $path)),+];
    };
}
operations! {
    ListGroups = "list-deployment-groups", "GET" "devices/deployment-groups";
    CreateGroup = "create-deployment-group", "POST" "devices/deployment-groups";
    GetGroup = "get-deployment-group", "GET" "devices/deployment-groups/*";
    UpdateGroup = "update-deployment-group", "PATCH" "devices/deployment-groups/*";
    DeleteGroup = "delete-deployment-group", "DELETE" "devices/deployment-groups/*";
    ListDevices = "list-devices", "GET" "devices/physical-devices";
    GetDevice = "get-device", "GET" "devices/physical-devices/*";
    ListProfiles = "devices-list-device-settings-policies", "GET" "devices/policies";
    GetDefaultProfile = "devices-get-default-device-settings-policy", "GET" "devices/policy";
    VerifyUserToken = "user-api-tokens-verify-token", "GET" "user/tokens/verify";
    VerifyAccountToken = "account-api-tokens-verify-token", "GET" "tokens/verify";
    ListUserGroups = "account-user-group-list", "GET" "iam/user_groups";
    CreateUserGroup = "account-user-group-create", "POST" "iam/user_groups";
    GetUserGroup = "account-user-group-details", "GET" "iam/user_groups/*";
    UpdateUserGroup = "account-user-group-update", "PUT" "iam/user_groups/*";
    DeleteUserGroup = "account-user-group-delete", "DELETE" "iam/user_groups/*";
    ListMembers = "account-user-group-member-list", "GET" "iam/user_groups/*/members";
    AddMembers = "account-user-group-member-create", "POST" "iam/user_groups/*/members";
    ReplaceMembers = "account-user-group-members-update", "PUT" "iam/user_groups/*/members";
    RemoveMember = "account-user-group-member-delete", "DELETE" "iam/user_groups/*/members/*";
    ListPermissionGroups = "account-permission-group-list", "GET" "iam/permission_groups";
    GetPermissionGroup = "account-permission-group-details", "GET" "iam/permission_groups/*";
    ListResourceGroups = "account-resource-group-list", "GET" "iam/resource_groups";
}

impl SandboxOperation {
    /// Whether it changes a deployment group.
    pub const fn retargets(self) -> bool {
        matches!(self, Self::CreateGroup | Self::UpdateGroup | Self::DeleteGroup)
    }

    /// Whether it changes anything.
    pub fn writes(self) -> bool {
        ROUTES.iter().any(|(operation, method, _)| *operation == self && *method != "GET")
    }

    /// Whether it has filters that a server may not know.
    pub(super) const fn filters(self) -> bool {
        matches!(self, Self::ListDevices | Self::ListUserGroups)
    }

    /// Whether a disabled token may still ask it.
    pub(super) const fn verifies(self) -> bool {
        matches!(self, Self::VerifyUserToken | Self::VerifyAccountToken)
    }
}
