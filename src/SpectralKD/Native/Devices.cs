using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using TorchSharp;

namespace SpectralKD.Native;

/// <summary>Which device models and tensors are put on: <c>auto</c> (CUDA where it works), <c>cpu</c>, <c>cuda</c>, <c>cuda:N</c>.</summary>
/// <example><code>
/// Devices.Use("cuda:0");                                        // for all models loaded from now on; an error where there is none
/// using var model = ModelLoader.Load("deit_nano_patch8_64", new ModelLoadOptions { Device = Devices.Parse("cpu") });
/// </code></example>
public static class Devices
{
    private static string _chosen = "auto";

    /// <summary>The names that <see cref="Parse"/> takes.</summary>
    public static IReadOnlyList<string> Names { get; } = ["auto", "cpu", "cuda", "cuda:0"];

    /// <summary>The default device of all commands.</summary>
    /// <exception cref="SpectralKDException">libtorch is missing, or the chosen device has gone.</exception>
    public static torch.Device Default => Parse(_chosen);

    /// <summary>True where an NVIDIA GPU can be used with the libtorch that is there.</summary>
    /// <exception cref="SpectralKDException">libtorch is missing.</exception>
    public static bool HasCuda
    {
        get
        {
            LibTorch.EnsureLoaded();
            try
            {
                return torch.TryInitializeDeviceType(DeviceType.CUDA) && torch.cuda.is_available();
            }
            catch (Exception e) when (e is NotSupportedException or TypeInitializationException or DllNotFoundException)
            {
                return false;
            }
        }
    }

    /// <summary>Chooses the default device.</summary>
    /// <param name="name">As <see cref="Parse"/> takes it.</param>
    /// <exception cref="SpectralKDException">There is no such device; the default stays as it was.</exception>
    public static torch.Device Use(string name)
    {
        var device = Parse(name);
        _chosen = name;
        return device;
    }

    /// <summary>The device of a name; null and <c>default</c> mean the chosen default.</summary>
    /// <param name="name"><c>auto</c>, <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</param>
    /// <exception cref="SpectralKDException">The name is none of these, or the machine has no such device.</exception>
    public static torch.Device Parse(string? name)
    {
        if (name is not null)
        {
            RequireName(name);
        }

        LibTorch.EnsureLoaded();
        return (name?.ToLowerInvariant() ?? _chosen) switch
        {
            "auto" => HasCuda ? torch.device("cuda:0") : torch.CPU,
            "cpu" => torch.CPU,
            "cuda" => Cuda(0, name!),
            var n => Cuda(int.Parse(n[5..], System.Globalization.CultureInfo.InvariantCulture), n),
        };
    }

    /// <summary>Looks at the name alone, not at whether there is such a device.</summary>
    /// <exception cref="SpectralKDException">The name is none that <see cref="Parse"/> takes.</exception>
    internal static void RequireName(string name)
    {
        if (name.ToLowerInvariant() is not ("auto" or "cpu" or "cuda") and var n && !(n.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(n[5..], out var index) && index >= 0))
        {
            throw new SpectralKDException($"there is no device \"{name}\"{NearestName.Suggestion(name, Names)}; devices are auto, cpu, cuda, cuda:N");
        }
    }

    private static torch.Device Cuda(int index, string name)
    {
        var count = HasCuda ? torch.cuda.device_count() : 0;
        return index < count ? torch.device($"cuda:{index}") : throw new SpectralKDException(
            count > 0 ? $"there is no device \"{name}\": this machine has {PlainText.Count(count, "CUDA device")}, cuda:0{(count > 1 ? $" to cuda:{count - 1}" : "")}"
            : $"device \"{name}\" cannot be used: CUDA is not there (no NVIDIA driver, or the CPU build of libtorch). {LibTorchLocator.CudaRemedy}, or use cpu");
    }
}

/// <summary>Whether a processor multiplies bfloat16 by itself, or has it done by way of float32, which takes longer than float32 alone.</summary>
public static class FastBFloat16
{
    /// <summary>What to tell a user who asks for bfloat16 on a device, in one line; null where it is fast, or nobody can tell.</summary>
    /// <param name="device">Where the model is.</param>
    public static string? Remark(torch.Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.type == DeviceType.CPU && OfProcessor == false
            ? "this processor has no fast bfloat16 (AVX512_BF16, AMX or Arm's bf16): bf16 is likely to take longer here than float32, with less exact figures"
            : null;
    }

    /// <summary>True where the processor has it, false where not; null where that cannot be found out.</summary>
    internal static bool? OfProcessor { get; } = Find();

    private static bool? Find()
    {
        if (X86Base.IsSupported)
        {
            // Leaf 7: sub-leaf 1, EAX bit 5 is AVX512_BF16; sub-leaf 0, EDX bit 22 is AMX-BF16. The system has to keep these registers: AVX-512 must be usable.
            return X86Base.CpuId(0, 0).Eax >= 7 && Avx512F.IsSupported
                && ((X86Base.CpuId(7, 0).Eax >= 1 && (X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0) || (X86Base.CpuId(7, 0).Edx & (1 << 22)) != 0);
        }

        return RuntimeInformation.ProcessArchitecture == Architecture.Arm64 && OperatingSystem.IsLinux() ? OfFlags("/proc/cpuinfo") : null;
    }

    // The line "Features : fp asimd … bf16 …" of each core.
    private static bool? OfFlags(string path)
    {
        try
        {
            var features = File.ReadLines(path).FirstOrDefault(line => line.StartsWith("Features", StringComparison.Ordinal));
            return features?.Split(' ').Contains("bf16");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
