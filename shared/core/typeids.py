"""The ids of everything, as they look on the wire: one prefix a kind, so that no id is taken for another's."""

from typing import Annotated
from uuid import UUID

from shared.core.ids import TypeID

OrganizationId = Annotated[UUID, TypeID("org")]
StoreId = Annotated[UUID, TypeID("store")]
CredentialId = Annotated[UUID, TypeID("cred")]
UserId = Annotated[UUID, TypeID("user")]
SessionId = Annotated[UUID, TypeID("sess")]
AccountId = Annotated[UUID, TypeID("acct")]
AuthenticatorId = Annotated[UUID, TypeID("app")]
MemberId = Annotated[UUID, TypeID("member")]
RoleId = Annotated[UUID, TypeID("role")]
OverrideId = Annotated[UUID, TypeID("override")]
InvitationId = Annotated[UUID, TypeID("invite")]
CustomerId = Annotated[UUID, TypeID("cust")]
AddressId = Annotated[UUID, TypeID("addr")]
CustomerSessionId = Annotated[UUID, TypeID("csess")]
CodeId = Annotated[UUID, TypeID("ccode")]
EventId = Annotated[UUID, TypeID("evt")]
MessageId = Annotated[UUID, TypeID("msg")]

ProductId = Annotated[UUID, TypeID("prod")]
VariantId = Annotated[UUID, TypeID("var")]
ImageId = Annotated[UUID, TypeID("img")]
MediaId = Annotated[UUID, TypeID("media")]
BrandId = Annotated[UUID, TypeID("brand")]
CategoryId = Annotated[UUID, TypeID("cat")]
LabelId = Annotated[UUID, TypeID("label")]
AttributeId = Annotated[UUID, TypeID("attr")]
ChoiceId = Annotated[UUID, TypeID("choice")]
CustomFieldId = Annotated[UUID, TypeID("field")]
AuditEntryId = Annotated[UUID, TypeID("audit")]
JobId = Annotated[UUID, TypeID("job")]
AdjustmentId = Annotated[UUID, TypeID("adj")]

CartId = Annotated[UUID, TypeID("cart")]
CartLineId = Annotated[UUID, TypeID("cline")]
CheckoutId = Annotated[UUID, TypeID("chk")]

OrderId = Annotated[UUID, TypeID("ord")]
OrderLineId = Annotated[UUID, TypeID("oline")]
PaymentAttemptId = Annotated[UUID, TypeID("pay")]
