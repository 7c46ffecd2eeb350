//! The operations of the contract, and the route of each.
//!
//! **Invariant:** an operation has one route.

use serde::{Deserialize, Serialize};

/// The operations of the contract that the sandbox knows, by their operationId.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SandboxOperation {
    /// GET deployment-groups
    #[serde(rename = "list-deployment-groups")]
    ListGroups,
    /// POST deployment-groups
    #[serde(rename = "create-deployment-group")]
    CreateGroup,
    /// GET deployment-groups/{id}
    #[serde(rename = "get-deployment-group")]
    GetGroup,
    /// PATCH deployment-groups/{id}
    #[serde(rename = "update-deployment-group")]
    UpdateGroup,
    /// DELETE deployment-groups/{id}
    #[serde(rename = "delete-deployment-group")]
    DeleteGroup,
    /// GET physical-devices
    #[serde(rename = "list-devices")]
    ListDevices,
    /// GET physical-devices/{id}
    #[serde(rename = "get-device")]
    GetDevice,
    /// GET policies
    #[serde(rename = "devices-list-device-settings-policies")]
    ListProfiles,
    /// GET policy
    #[serde(rename = "devices-get-default-device-settings-policy")]
    GetDefaultProfile,
    /// GET /user/tokens/verify
    #[serde(rename = "user-api-tokens-verify-token")]
    VerifyUserToken,
    /// GET /accounts/{a}/tokens/verify
    #[serde(rename = "account-api-tokens-verify-token")]
    VerifyAccountToken,
    /// GET user_groups
    #[serde(rename = "account-user-group-list")]
    ListUserGroups,
    /// POST user_groups
    #[serde(rename = "account-user-group-create")]
    CreateUserGroup,
    /// GET user_groups/{id}
    #[serde(rename = "account-user-group-details")]
    GetUserGroup,
    /// PUT user_groups/{id}
    #[serde(rename = "account-user-group-update")]
    UpdateUserGroup,
    /// DELETE user_groups/{id}
    #[serde(rename = "account-user-group-delete")]
    DeleteUserGroup,
    /// GET user_groups/{id}/members
    #[serde(rename = "account-user-group-member-list")]
    ListMembers,
    /// POST user_groups/{id}/members
    #[serde(rename = "account-user-group-member-create")]
    AddMembers,
    /// PUT user_groups/{id}/members
    #[serde(rename = "account-user-group-members-update")]
    ReplaceMembers,
    /// DELETE user_groups/{id}/members/{member}
    #[serde(rename = "account-user-group-member-delete")]
    RemoveMember,
    /// GET permission_groups
    #[serde(rename = "account-permission-group-list")]
    ListPermissionGroups,
    /// GET permission_groups/{id}
    #[serde(rename = "account-permission-group-details")]
    GetPermissionGroup,
    /// GET resource_groups
    #[serde(rename = "account-resource-group-list")]
    ListResourceGroups,
}

impl SandboxOperation {
    /// Whether it changes a deployment group.
    pub const fn retargets(self) -> bool {
        matches!(self, Self::CreateGroup | Self::UpdateGroup | Self::DeleteGroup)
    }

    /// Whether it changes anything.
    pub const fn writes(self) -> bool {
        self.retargets()
            || matches!(
                self,
                Self::CreateUserGroup
                    | Self::UpdateUserGroup
                    | Self::DeleteUserGroup
                    | Self::AddMembers
                    | Self::ReplaceMembers
                    | Self::RemoveMember
            )
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

/// Method and path of each, in its account but for the first; `*` is an ID.
pub(super) const ROUTES: [(SandboxOperation, &str, &str); 23] = [
    (SandboxOperation::VerifyUserToken, "GET", "user/tokens/verify"),
    (SandboxOperation::VerifyAccountToken, "GET", "tokens/verify"),
    (SandboxOperation::ListGroups, "GET", "devices/deployment-groups"),
    (SandboxOperation::CreateGroup, "POST", "devices/deployment-groups"),
    (SandboxOperation::GetGroup, "GET", "devices/deployment-groups/*"),
    (SandboxOperation::UpdateGroup, "PATCH", "devices/deployment-groups/*"),
    (SandboxOperation::DeleteGroup, "DELETE", "devices/deployment-groups/*"),
    (SandboxOperation::ListDevices, "GET", "devices/physical-devices"),
    (SandboxOperation::GetDevice, "GET", "devices/physical-devices/*"),
    (SandboxOperation::ListProfiles, "GET", "devices/policies"),
    (SandboxOperation::GetDefaultProfile, "GET", "devices/policy"),
    (SandboxOperation::ListUserGroups, "GET", "iam/user_groups"),
    (SandboxOperation::CreateUserGroup, "POST", "iam/user_groups"),
    (SandboxOperation::GetUserGroup, "GET", "iam/user_groups/*"),
    (SandboxOperation::UpdateUserGroup, "PUT", "iam/user_groups/*"),
    (SandboxOperation::DeleteUserGroup, "DELETE", "iam/user_groups/*"),
    (SandboxOperation::ListMembers, "GET", "iam/user_groups/*/members"),
    (SandboxOperation::AddMembers, "POST", "iam/user_groups/*/members"),
    (SandboxOperation::ReplaceMembers, "PUT", "iam/user_groups/*/members"),
    (SandboxOperation::RemoveMember, "DELETE", "iam/user_groups/*/members/*"),
    (SandboxOperation::ListPermissionGroups, "GET", "iam/permission_groups"),
    (SandboxOperation::GetPermissionGroup, "GET", "iam/permission_groups/*"),
    (SandboxOperation::ListResourceGroups, "GET", "iam/resource_groups"),
];
