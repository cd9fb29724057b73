using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Schane.Distributed.Nccl;

/// <summary>The number that all ranks of a communicator are given by one of them; NCCL takes it by value.</summary>
[StructLayout(LayoutKind.Sequential, Size = NcclLibrary.IdBytes)]
internal struct NcclId;

/// <summary>The functions of NVIDIA's collective library that Schane calls, and the one of the driver that tells whether a stream
/// has come to its end.</summary>
internal sealed unsafe class NcclLibrary
{
    /// <summary>Bytes of an id.</summary>
    public const int IdBytes = 128;

    /// <summary>Results of NCCL: an operation is still on its way.</summary>
    public const int InProgress = 7;

    /// <summary>Result of the driver: the stream has more to do.</summary>
    public const int NotReady = 600;

    private readonly nint nccl;

    private NcclLibrary(nint nccl, nint driver)
    {
        this.nccl = nccl;
        GetUniqueId = (delegate* unmanaged<byte*, int>)Function("ncclGetUniqueId");
        InitRank = (delegate* unmanaged<nint*, int, NcclId, int, int>)Function("ncclCommInitRank");
        AllReduce = (delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int>)Function("ncclAllReduce");
        Broadcast = (delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int>)Function("ncclBroadcast");
        GroupStart = (delegate* unmanaged<int>)Function("ncclGroupStart");
        GroupEnd = (delegate* unmanaged<int>)Function("ncclGroupEnd");
        AsyncError = (delegate* unmanaged<nint, int*, int>)Function("ncclCommGetAsyncError");
        Destroy = (delegate* unmanaged<nint, int>)Function("ncclCommDestroy");
        Abort = (delegate* unmanaged<nint, int>)Function("ncclCommAbort");
        QueryStream = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(driver, "cuStreamQuery");
    }

    public delegate* unmanaged<byte*, int> GetUniqueId { get; }

    public delegate* unmanaged<nint*, int, NcclId, int, int> InitRank { get; }

    public delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int> AllReduce { get; }

    public delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int> Broadcast { get; }

    public delegate* unmanaged<int> GroupStart { get; }

    public delegate* unmanaged<int> GroupEnd { get; }

    public delegate* unmanaged<nint, int*, int> AsyncError { get; }

    public delegate* unmanaged<nint, int> Destroy { get; }

    public delegate* unmanaged<nint, int> Abort { get; }

    public delegate* unmanaged<nint, int> QueryStream { get; }

    /// <summary>For instance <c>NCCL 2.21.5</c>.</summary>
    public string Version
    {
        get
        {
            int code;
            ((delegate* unmanaged<int*, int>)Function("ncclGetVersion"))(&code);
            return code >= 10000
                ? $"NCCL {code / 10000}.{code / 100 % 100}.{code % 100}" : $"NCCL {code / 1000}.{code / 100 % 10}.{code % 100}";
        }
    }

    /// <summary>The library; null where it, or the driver, is not installed.</summary>
    public static NcclLibrary? Load() =>
        NativeLibrary.TryLoad("libcuda.so.1", out var driver) && (NativeLibrary.TryLoad("libnccl.so.2", out var nccl)
            || NativeLibrary.TryLoad("libnccl.so", out nccl)) ? new(nccl, driver) : null;

    /// <summary>NCCL's number of a type that it can add; null for others.</summary>
    public static int? TypeOf(ScalarType type) => type switch
    {
        ScalarType.Int64 => 4,
        ScalarType.Float16 => 6,
        ScalarType.Float32 => 7,
        ScalarType.Float64 => 8,
        ScalarType.BFloat16 => 9,
        _ => null,
    };

    /// <summary>What a result means.</summary>
    public string Say(int result) =>
        Marshal.PtrToStringUTF8(((delegate* unmanaged<int, nint>)Function("ncclGetErrorString"))(result)) ?? $"error {result}";

    private nint Function(string name) => NativeLibrary.GetExport(nccl, name);
}
