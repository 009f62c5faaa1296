namespace SpectralKD.Tests.Weights;

public sealed class HubOptionsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Without_variables_the_hub_and_the_users_cache_are_used()
    {
        var options = Read();
        Assert.Equal("https://huggingface.co/", options.Endpoint.AbsoluteUri);
        Assert.EndsWith(Path.Combine("huggingface", "hub"), options.CacheFolder, StringComparison.Ordinal);
        Assert.False(options.Offline);
    }

    [Fact]
    public void The_cache_folder_follows_the_variables_in_pythons_order()
    {
        Assert.Equal("/c", Read(("HF_HUB_CACHE", "/c"), ("HUGGINGFACE_HUB_CACHE", "/d"), ("HF_HOME", "/h")).CacheFolder);
        Assert.Equal("/d", Read(("HUGGINGFACE_HUB_CACHE", "/d"), ("HF_HOME", "/h")).CacheFolder);
        Assert.Equal(Path.Combine("/h", "hub"), Read(("HF_HOME", "/h"), ("XDG_CACHE_HOME", "/x")).CacheFolder);
        Assert.Equal(Path.Combine("/x", "huggingface", "hub"), Read(("XDG_CACHE_HOME", "/x")).CacheFolder);
    }

    [Fact]
    public void The_token_comes_from_the_variable_or_the_login_file()
    {
        folder.Write("token", "  hf_file\n"u8.ToArray());
        folder.Write("other", "hf_other"u8.ToArray());
        Assert.Equal("hf_env", Read(("HF_TOKEN", "hf_env"), ("HF_HOME", folder.Root)).Token);
        Assert.Equal("hf_file", Read(("HF_HOME", folder.Root)).Token);
        Assert.Equal("hf_other", Read(("HF_HOME", folder.Root), ("HF_TOKEN_PATH", folder.File("other"))).Token);
        Assert.Null(Read(("HF_HOME", folder.Root), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")).Token);
        Assert.Null(Read(("HF_HOME", folder.File("empty"))).Token);
    }

    [Fact]
    public void Line_breaks_in_a_token_are_taken_out_as_python_does() => Assert.Equal("hf_ab", Read(("HF_TOKEN", "hf_a\r\nb\n")).Token);

    [Fact]
    public void A_token_file_that_cannot_be_read_is_remembered_as_a_problem()
    {
        folder.Write("token", "hf_file"u8.ToArray());
        using var locked = new FileStream(folder.File("token"), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        var options = Read(("HF_HOME", folder.Root));
        Assert.Null(options.Token);
        Assert.Contains(folder.File("token"), options.TokenProblem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1", true)]
    [InlineData("true", true)]
    [InlineData("Yes", true)]
    [InlineData("0", false)]
    [InlineData("", false)]
    public void Offline_is_what_python_takes_for_true(string value, bool expected) =>
        Assert.Equal(expected, Read(("HF_HUB_OFFLINE", value)).Offline);

    [Fact]
    public void A_mirror_is_taken_with_or_without_a_slash()
    {
        var address = new HubFile("timm/vit", "model.safetensors", "main");
        Assert.Equal("https://mirror.example/hf/timm/vit/resolve/main/model.safetensors",
            address.Address(Read(("HF_ENDPOINT", "https://mirror.example/hf/")).Endpoint, "main").AbsoluteUri);
    }

    [Fact]
    public void An_endpoint_that_is_no_address_is_an_error() =>
        Assert.Contains("HF_ENDPOINT", Assert.Throws<SpectralKDException>(() => Read(("HF_ENDPOINT", "mirror"))).Message, StringComparison.Ordinal);

    private HubOptions Read(params (string Name, string Value)[] variables)
    {
        var known = variables.ToDictionary(pair => pair.Name, pair => pair.Value);
        known.TryAdd("HF_TOKEN_PATH", Path.Combine(known.GetValueOrDefault("HF_HOME", folder.File("none")), "token"));
        return HubOptions.FromEnvironment(name => known.GetValueOrDefault(name));
    }
}
