using System.Runtime.InteropServices;

namespace Schane.Tensors;

/// <summary>Switches of libtorch's global context that TorchSharp has no method for, by their exported C++ names.</summary>
internal static unsafe class TorchContext
{
    private static readonly Lazy<nint> Library =
        new(() => NativeLibrary.TryLoad("torch_cpu", typeof(TorchSharp.torch).Assembly, null, out var library) ? library : 0);
    private static readonly Lazy<nint> Context =
        new(() => Function("_ZN2at13globalContextEv") is not 0 and var get ? ((delegate* unmanaged<nint>)get)() : 0);
    private static readonly Lazy<bool> Silent = new(() => (Nnpack = false) == false);

    /// <summary>
    /// Whether small convolutions may go through NNPACK; null where this libtorch lacks the switch, which can't be set then.
    /// </summary>
    public static bool? Nnpack
    {
        get => Context.Value is not 0 and var context && Function("_ZNK2at7Context17userEnabledNNPACKEv") is not 0 and var get
            ? ((delegate* unmanaged<nint, byte>)get)(context) != 0 : null;
        set
        {
            if (value is { } use && Context.Value is not 0 and var context
                && Function("_ZN2at7Context20setUserEnabledNNPACKEb") is not 0 and var set)
                ((delegate* unmanaged<nint, byte, void>)set)(context, use ? (byte)1 : (byte)0);
        }
    }

    /// <summary>
    /// Leaves NNPACK out, once per process, before the first convolution: where the processor hides its caches it does not start, and
    /// libtorch says so on stderr again and again.
    /// Elsewhere oneDNN takes nearly all convolutions before it is asked.
    /// </summary>
    public static void Silence() => _ = Silent.Value;

    private static nint Function(string name) =>
        Library.Value is not 0 and var library && NativeLibrary.TryGetExport(library, name, out var address) ? address : 0;
}
