"""The public names, eagerly but for three. `aishoot_async` itself imports this only when one of them is asked for."""

from typing import TYPE_CHECKING

from .auth import StaticToken as StaticToken
from .auth import TokenSource as TokenSource
from .calls import Hook as Hook
from .calls import Traffic as Traffic
from .config import Limits as Limits
from .config import RetryPolicy as RetryPolicy
from .config import Timeouts as Timeouts
from .errors import AIShootError as AIShootError
from .errors import AmbiguousWriteError as AmbiguousWriteError
from .errors import APIStatusError as APIStatusError
from .errors import Attempt as Attempt
from .errors import AuthenticationError as AuthenticationError
from .errors import AuthError as AuthError
from .errors import BadRequestError as BadRequestError
from .errors import CallTimeoutError as CallTimeoutError
from .errors import CatalogError as CatalogError
from .errors import ConfigurationError as ConfigurationError
from .errors import ConflictError as ConflictError
from .errors import ConnectError as ConnectError
from .errors import Cursor as Cursor
from .errors import DriftError as DriftError
from .errors import ExportError as ExportError
from .errors import JobError as JobError
from .errors import LockedError as LockedError
from .errors import LoginRejectedError as LoginRejectedError
from .errors import LoginRequiredError as LoginRequiredError
from .errors import NotFoundError as NotFoundError
from .errors import PagingError as PagingError
from .errors import PagingLoopError as PagingLoopError
from .errors import PermissionDeniedError as PermissionDeniedError
from .errors import RateLimitedError as RateLimitedError
from .errors import RequestValidationError as RequestValidationError
from .errors import ResponseTooLargeError as ResponseTooLargeError
from .errors import ServerError as ServerError
from .errors import SessionClosedError as SessionClosedError
from .errors import SyncError as SyncError
from .errors import TransportError as TransportError
from .errors import UnexpectedResponseError as UnexpectedResponseError
from .errors import UnprocessableError as UnprocessableError
from .errors import UnstableListingError as UnstableListingError
from .errors import WrongLoopError as WrongLoopError
from .models import UNSET as UNSET
from .models import BriefResult as BriefResult
from .models import EnvelopePaths as EnvelopePaths
from .models import Gender as Gender
from .models import Page as Page
from .models import PagingOptions as PagingOptions
from .models import PagingReport as PagingReport
from .models import Sku as Sku
from .models import SkuCategory as SkuCategory
from .models import SkuChanges as SkuChanges
from .models import SkuCreate as SkuCreate
from .models import SkuUpdate as SkuUpdate
from .models import Unset as Unset
from .paging import Pager as Pager
from .paging import Walk as Walk
from .resources import BriefResource as BriefResource
from .resources import ImageResource as ImageResource
from .resources import SkuResource as SkuResource
from .session import AIShootSession as AIShootSession

if TYPE_CHECKING:
    # Imported when they are asked for: much comes with them that who has a token does without.
    from .auth import CredentialFile as CredentialFile
    from .auth import RefreshToken as RefreshToken
    from .calls._event import CallEvent as CallEvent
