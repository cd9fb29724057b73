using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Schane.Tensors;

/// <summary>Where a tensor's elements lie, for libraries that take addresses.</summary>
internal static class DataPointer
{
    /// <summary>Address of the first element, on the tensor's device; valid while the tensor is.</summary>
    public static nint Of(Tensor tensor)
    {
        var address = Data(tensor.Handle);
        GC.KeepAlive(tensor);
        return address;
    }

    [DllImport("LibTorchSharp", EntryPoint = "THSTensor_data")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    private static extern nint Data(nint tensor);
}
